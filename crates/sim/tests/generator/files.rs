//! Profiles and scenarios as files: what is refused, and how it is said.

use fleetcast_sim::{Error, Profile, Scenario};

fn refused(text: &str) -> String {
    Profile::from_toml(text, "mine.toml").expect_err("a profile at fault").to_string()
}

#[test]
fn a_profile_reads_back_as_itself() {
    for name in Profile::NAMES {
        let profile = Profile::named(name).unwrap();
        assert_eq!(profile.name(), name);
        assert_eq!(Profile::from_toml(&profile.to_toml(), name).unwrap(), profile);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/web.toml");
    assert_eq!(std::fs::read_to_string(path).unwrap(), Profile::named("web").unwrap().to_toml());
}

#[test]
fn every_optional_key_is_kept() {
    let hours: Vec<String> = (0..24).map(|hour| format!("{}", 1.0 + f64::from(hour) / 7.0)).collect();
    for text in [
        format!("[day]\nanchors = [{}]", hours.join(", ")),
        "[day]\ncentre_hour = 3.5".to_owned(),
        "[season]\nyear_end_peak_factor = 2.5".to_owned(),
        "[correlation]\nmatrix = [[1, 0.4, 0, 0], [0.4, 1, 0, 0], [0, 0, 1, 0.1], [0, 0, 0.1, 1]]".to_owned(),
    ] {
        let profile = Profile::from_toml(&text, "mine.toml").unwrap();
        assert_ne!(profile, Profile::from_toml("", "generic.toml").unwrap());
        assert_eq!(Profile::from_toml(&profile.to_toml(), "again").unwrap(), profile, "{}", profile.to_toml());
    }
}

#[test]
fn the_built_in_profiles_have_their_numbers() {
    let expected = [
        ("web", [35.0, 55.0, 10.0, 45.0], [12.0, 8.0, 6.0, 15.0], [10.0, 15.0, 9.0, 14.0], (8.0, 20.0)),
        ("database", [28.0, 75.0, 35.0, 25.0], [7.0, 5.0, 18.0, 8.0], [12.0, 22.0, 9.0, 14.0], (7.0, 19.0)),
        ("application", [32.0, 60.0, 12.0, 38.0], [10.0, 7.0, 9.0, 12.0], [14.0, 18.0, 9.0, 14.0], (9.0, 18.0)),
        ("batch", [18.0, 40.0, 8.0, 15.0], [22.0, 15.0, 35.0, 20.0], [8.0, 12.0, 9.0, 14.0], (22.0, 6.0)),
    ];
    for (name, base, std, growth, window) in expected {
        let profile = Profile::named(name).unwrap();
        assert_eq!(profile.base(), base, "{name}");
        assert_eq!(profile.std_percent_of_base(), std, "{name}");
        assert_eq!(profile.growth_percent_per_year(), growth, "{name}");
        assert_eq!(profile.peak_window_hours(), window, "{name}");
        assert_eq!((profile.quarter_end_peak_factor(), profile.mid_quarter_trough_factor()), (1.4, 0.65));
    }
    let generic = Profile::from_toml("", "empty").unwrap();
    assert_eq!(generic.base(), [25.0, 40.0, 15.0, 20.0]);
    assert_eq!(generic.std_percent_of_base(), [8.0, 6.0, 12.0, 10.0]);
    assert_eq!(generic.peak_window_hours(), (9.0, 17.0));
    assert_eq!(generic.correlation()[0][1], 0.75);
}

#[test]
fn a_bad_number_is_named_with_its_range() {
    assert_eq!(
        refused("[std_percent_of_base]\ncpu = -8"),
        "mine.toml, line 2: `std_percent_of_base.cpu` is -8, it must be a number between 0 and 200"
    );
    assert_eq!(
        refused("[correlation]\ncpu_memory = 1.7"),
        "mine.toml, line 2: `correlation.cpu_memory` is 1.7, it must be a number between -0.999 and 0.999"
    );
    assert_eq!(
        refused("[day]\nwindow_end_hour = 30"),
        "mine.toml, line 2: `day.window_end_hour` is 30, it must be a number between 0 and 24"
    );
    assert!(refused("[base]\ncpu_percent = nan").contains("`base.cpu_percent` is not a number (nan)"));
    assert!(refused("[week]\nmonday_factor = 1.5").contains("on average from Monday to Friday"));
    assert!(refused("name = \"my web\"").contains("letters, digits"));
}

#[test]
fn a_misspelt_key_finds_its_neighbour() {
    let error = Profile::from_toml("[base]\ncpu_percnt = 35.0", "mine.toml").unwrap_err();
    assert_eq!(
        error.to_string(),
        "mine.toml, line 2: unknown key `base.cpu_percnt` (35), did you mean `cpu_percent`, \
         a number between 0.01 and 400?"
    );
    assert!(matches!(error, Error::UnknownKey { .. }));
    assert!(refused("[bsae]\ncpu_percent = 35.0").contains("did you mean `base`, a table"));
    let error = Profile::named("databse").unwrap_err().to_string();
    assert!(error.contains("did you mean `database`?"), "{error}");
}

#[test]
fn what_is_no_toml_or_of_another_type_is_refused_with_its_line() {
    assert!(refused("[base]\n\ncpu_percent = ").starts_with("mine.toml, line 3: "));
    let error = refused("[base]\ncpu_percent = \"much\"");
    assert!(
        error.starts_with("mine.toml, line 2: ")
            && error.contains("the text \"much\", it must be a number between 0.01 and 400"),
        "{error}"
    );
    let error = Scenario::from_toml("name = 'x'\n[noise]\nwild_day_share = 'some'", "s.toml").unwrap_err().to_string();
    assert!(error.starts_with("s.toml, line 3: "), "{error}");
}

#[test]
fn a_matrix_is_checked_and_can_be_repaired() {
    let matrix = "matrix = [[1, 0.9, 0, 0.9], [0.9, 1, 0, -0.9], [0, 0, 1, 0], [0.9, -0.9, 0, 1]]";
    let error = refused(&format!("[correlation]\n{matrix}"));
    assert!(error.contains("smallest eigenvalue is -0.8000") && error.contains("repair = \"nearest\""), "{error}");
    let repaired = Profile::from_toml(&format!("[correlation]\n{matrix}\nrepair = \"nearest\""), "mine.toml").unwrap();
    let moved = repaired.repaired_by().unwrap();
    assert!((0.1..0.7).contains(&moved), "{moved}");
    assert_eq!(Profile::from_toml(&repaired.to_toml(), "again").unwrap(), repaired);
    assert!(refused(&format!("[correlation]\n{matrix}\nrepair = \"near\"")).contains("did you mean `nearest`?"));
}

#[test]
fn a_repaired_profile_tells_every_cell_that_changed() {
    let text = "[correlation]\nmatrix = [[1, 1.7, 0, 0.9], [1.7, 1, 0, -0.9], [0, 0, 1, 0], [0.9, -0.9, 0, 1]]";
    let (repaired, cells) = Profile::repaired(text, "mine.toml").unwrap();
    let pairs: Vec<String> = cells.iter().map(|cell| cell.metrics.join("-")).collect();
    assert_eq!(pairs, ["cpu-memory", "cpu-network", "memory-network"]);
    assert_eq!((cells[0].from, cells[0].to), (1.7, repaired.correlation()[0][1]));
    // What is written is sound without a repair.
    let again = Profile::from_toml(&repaired.to_toml(), "again.toml").unwrap();
    assert_eq!((again.repaired_by(), again), (None, repaired));
    let (same, cells) = Profile::repaired("[correlation]\ncpu_memory = 0.5", "mine.toml").unwrap();
    assert_eq!((same.correlation()[0][1], cells.len()), (0.5, 0));
    // Nothing else is repaired.
    assert!(Profile::repaired("[base]\ncpu_percent = -5", "mine.toml").is_err());
}

#[test]
fn a_scenario_file_says_only_what_differs() {
    let calm = Scenario::from_toml("name = 'calm'\n[noise]\nwild_day_share = 0.0", "calm.toml").unwrap();
    assert_eq!(calm.name(), "calm");
    assert_eq!(calm.calendar(), Scenario::named("enterprise").unwrap().calendar());
    let refused = |text: &str| Scenario::from_toml(text, "s.toml").unwrap_err().to_string();
    assert!(refused("[nosie]").contains("did you mean `noise`, a table"));
    assert!(refused("[noise]\nlaw = 'lognormal'").contains("did you mean `log-normal`?"));
    assert!(refused("[noise]\ntimescale_shares = [0.5, 0.5, 0.5, 0.5]").contains("is 2 in sum, it must be 1 in sum"));
    assert!(refused("[[regions]]\nname = 'x'\ntimezone = 'Europe/Lundon'\nshare = 1").contains("Europe/London"));
    assert!(refused("[[mix]]\nprofile = 'webb'\nshare = 1\nshapes = ['m6i.large']").contains("did you mean `web`?"));
    assert!(
        refused("[[mix]]\nprofile = 'web'\nshare = 1\nshapes = ['m6i.huge']")
            .contains("unknown `mix[0].shapes[0]` `m6i.huge`")
    );
    assert!(refused("[calendar]\nholidays = ['usa']").contains("did you mean `us`?"));
    assert!(refused("services = []").contains("is an empty list, it must be a list of at least one table"));
    assert!(Scenario::named("enterprize").is_err());
}

#[test]
fn settings_that_contradict_each_other_are_refused_with_their_line() {
    for (text, fault) in [
        ("[day]\nwindow_start_hour = 9\nwindow_end_hour = 9", "line 3: `day.window_start_hour` and"),
        ("[correlation]\nrepair = \"nearest\"", "line 2: `correlation.repair` has no `correlation.matrix`"),
        (
            "[correlation]\ncpu_memory = 0.5\nmatrix = [[1, 0.4, 0, 0], [0.4, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]",
            "line 2: `correlation.cpu_memory` is 0.5, but `correlation.matrix` says 0.4",
        ),
        (
            "[day]\nwindow_factor = 2\nanchors = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
            "line 2: `day.window_factor` says nothing beside `day.anchors`",
        ),
        ("[week]\nmonday_factor = 1.5", "line 1: `week` is 1.1 on average from Monday to Friday, it must be 1"),
    ] {
        assert!(refused(text).contains(fault), "{}", refused(text));
    }
    let refused = |text: &str| Scenario::from_toml(text, "s.toml").unwrap_err().to_string();
    for (text, fault) in [
        ("[noise]\n\ntimescales_days = [1.0]", "line 1: `noise.timescales_days` has 1 times and"),
        ("[noise]\nwild_day_share = 0.3\nwild_day_scale = 4", "line 3: `noise.wild_day_share` times the square"),
        ("[noise]\nshared_by_pool = 0.9\nshared_by_region = 0.3", "are 1.27 in sum"),
        ("[calendar]\nholidays = ['us', 'us']", "line 2: `calendar.holidays[1]` is \"us\", as `calendar.holidays[0]`"),
        (
            "[[services]]\nname = 'a'\nbusiness_unit = ''\ncriticality = ''\n[[services]]\nname = 'a'\n\
             business_unit = ''\ncriticality = ''",
            "line 6: `services[1].name` is \"a\"",
        ),
    ] {
        assert!(refused(text).contains(fault), "{}", refused(text));
    }
}
