//! What sizes cost, and what servers really cost: the files that a configuration names.

use crate::{Config, Error, Result};
use fleetcast_core::Panel;
use fleetcast_lake::{Rows, files_of_rows};
use fleetcast_plan::{Costs, PriceBook};
use std::collections::BTreeSet;
use std::path::Path;

/// The price book of a configuration: the built-in one, that of its file, or those of all files in its folder, each of
/// another region.
///
/// # Errors
/// When a file cannot be read or has a row that makes no sense, and when two files are of one region.
pub(crate) fn price_book(config: &Config) -> Result<PriceBook> {
    let Some(place) = &config.plan.price_book else { return Ok(PriceBook::embedded()) };
    let is_folder = place.is_dir();
    let files = if is_folder { files_of_rows(place)? } else { vec![place.clone()] };
    let read = |file: &Path| -> Result<PriceBook> {
        let name = file.display().to_string();
        let opened = std::fs::File::open(file).map_err(|source| Error::Io { file: name.clone(), source })?;
        Ok(PriceBook::from_csv(opened, &name)?)
    };
    let books = files.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?;
    let name = place.display().to_string();
    if books.is_empty() {
        return Err(Error::Nothing {
            what: format!("the folder {name} has no price book"),
            hint: "put CSV files of prices there, one for each region".to_owned(),
        });
    }
    Ok(PriceBook::joined(name, books)?)
}

/// What servers really cost, where the configuration names a file or a folder of files.
///
/// # Errors
/// When a file cannot be read or has a row that makes no sense.
pub(crate) fn costs(config: &Config) -> Result<Option<Costs>> {
    let Some(place) = &config.plan.costs else { return Ok(None) };
    let mut costs = Costs::default();
    for file in files_of_rows(place)? {
        let name = file.display().to_string();
        let rows = Rows::open(&file, &Costs::COLUMNS)?;
        Costs::check_columns(&name, &rows.has())?;
        rows.read(|line, row| costs.add(&name, line, row).map_err(Error::from))?;
    }
    costs.check(&place.display().to_string())?;
    Ok(Some(costs))
}

/// What a reader should know of the prices: whose are borrowed from another region, and how many servers have costs.
pub(crate) fn notes_on_prices(book: &PriceBook, costs: Option<&Costs>, panel: &Panel) -> Vec<String> {
    let costs = costs.and_then(|costs| note_costs(costs, panel));
    note_regions(book, panel).into_iter().chain(costs).collect()
}

/// Which servers have the prices of another region, because their own are not known.
fn note_regions(book: &PriceBook, panel: &Panel) -> Option<String> {
    let servers = panel.servers();
    let borrowed: Vec<(&str, &str)> =
        (servers.iter()).filter_map(|server| Some((server.region.as_deref()?, book.foreign_region(server)?))).collect();
    let (_, from) = borrowed.first()?;
    let regions: BTreeSet<&str> = borrowed.iter().map(|(region, _)| *region).collect();
    let regions = regions.into_iter().collect::<Vec<_>>().join(", ");
    let (n, all) = (borrowed.len(), servers.len());
    Some(format!("{n} of {all} servers have the prices of {from} but stand elsewhere: {regions}"))
}

/// How many servers have costs, where that is not all of them.
fn note_costs(costs: &Costs, panel: &Panel) -> Option<String> {
    let n_known = panel.servers().iter().filter(|server| costs.has(server)).count();
    let n_servers = panel.servers().len();
    (n_known < n_servers).then(|| {
        format!("costs are known of {n_known} of {n_servers} servers; savings of the others at list prices only")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::Server;
    use std::sync::Arc;

    fn server(server_id: &str, region: Option<&str>) -> Arc<Server> {
        let mut server = Server::new(server_id).expect("a name");
        server.region = region.map(str::to_owned);
        Arc::new(server)
    }

    #[test]
    fn a_folder_has_the_prices_of_several_regions() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let write = |name: &str, region: &str, price: f64| {
            let text = format!("instance_type,vcpu,memory_gib,usd_per_hour,region\na,2,8,{price},{region}\n");
            std::fs::write(folder.path().join(name), text).expect("a file");
        };
        let mut config = Config::default();
        config.plan.price_book = Some(folder.path().to_owned());
        assert!(price_book(&config).unwrap_err().to_string().contains("has no price book"));
        write("eu.csv", "eu", 0.2);
        write("us.csv", "us", 0.1);
        let book = price_book(&config).unwrap();
        let price = |region| book.of_region(Some(region)).get("a").map(|found| found.usd_per_hour);
        assert_eq!((price("us"), price("eu"), price("ap")), (Some(0.1), Some(0.2), None));
        write("old.csv", "us", 0.4);
        let message = price_book(&config).unwrap_err().to_string();
        assert!(message.contains("the region `us` twice"), "{message}");
    }

    #[test]
    fn servers_with_the_prices_of_another_region_are_told() {
        let servers = vec![
            server("a", Some("us-east-1")),
            server("b", Some("eu-west-2")),
            server("c", None),
            server("d", Some("ap-south-1")),
        ];
        let panel = Panel::new(servers, Vec::new()).expect("distinct keys");
        let notes = notes_on_prices(&PriceBook::embedded(), None, &panel);
        assert_eq!(notes, ["2 of 4 servers have the prices of us-east-1 but stand elsewhere: ap-south-1, eu-west-2"]);
    }
}
