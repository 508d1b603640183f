//! Bad days of every size at once: the joint futures of processors and memory, counted on a grid.

use crate::passage::highest;
use crate::waiting::most_utilisation;
use fleetcast_core::Paths;

/// The futures of one resource on the present machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource<'a> {
    /// Its futures, in per cent or another unit.
    pub(crate) paths: &'a Paths,
    /// The limit on the present machine, in the same unit.
    pub(crate) limit: f64,
    /// What the present machine has of it: processors, or GiB.
    pub(crate) present: f64,
    /// The limit as a share of capacity, where requests must not wait: smaller machines then have a lower one.
    pub(crate) serves_requests: Option<f64>,
}

impl Resource<'_> {
    /// The limit on a machine with `capacity`, as the present machine would show it: load that fills a
    /// share of four processors fills twice that share of two.
    fn limit_at(&self, capacity: f64) -> f64 {
        let limit = self.plain_limit_at(capacity);
        match self.serves_requests {
            Some(share) => limit * (most_utilisation(capacity) / share).min(1.0),
            None => limit,
        }
    }

    /// The same where requests may wait.
    fn plain_limit_at(&self, capacity: f64) -> f64 {
        // The present machine must have its own limit to the last bit.
        if capacity == self.present { self.limit } else { self.limit * capacity / self.present }
    }

    /// The highest day of each future as a share of the plain limit on a machine with `capacity`; its quantile.
    pub(crate) fn highest_share(&self, capacity: f64, probability: f64) -> f64 {
        let maxima: Vec<f64> = self.paths.iter().map(highest).collect();
        // There is at least one path, and its values are finite.
        fleetcast_numeric::quantile(&maxima, probability).unwrap_or(f64::INFINITY) / self.plain_limit_at(capacity)
    }
}

/// What the futures, or the days that came, make of a size.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Burden {
    /// Expected days over the limit within the horizon.
    pub(crate) bad_days: f64,
    /// P(at least one of them).
    pub(crate) p_violation: f64,
    /// Expected days that need all of its memory or more.
    pub(crate) overload_days: f64,
    /// Expected days on which its network is over the limit; they are among the bad ones.
    pub(crate) network_days: f64,
}

/// Bad days of every size at once.
#[derive(Clone, Debug)]
pub(crate) struct Burdens {
    machine: Grid,
    network: Option<Grid>,
    /// All of a machine as a multiple of its limit: 1.25 for a threshold of 80 %.
    whole: f64,
}

impl Burdens {
    /// The burdens of machines with these capacities, as triples of processors, GiB and, where known, Mbit/s;
    /// a resource that is `None` is none. `None` when neither processors nor memory are given.
    pub(crate) fn new(
        cpu: Option<Resource>,
        memory: Option<Resource>,
        network: Option<Resource>,
        sizes: &[(f64, f64, Option<f64>)],
        threshold: f64,
    ) -> Option<Self> {
        let whole = 100.0 / threshold;
        let vcpu: Vec<f64> = sizes.iter().map(|size| size.0).collect();
        // A day needs all of a machine's memory when it fills a machine that much larger to its limit.
        let memory_gib: Vec<f64> = sizes.iter().flat_map(|size| [size.1, size.1 * whole]).collect();
        let mbit: Vec<f64> = sizes.iter().filter_map(|size| size.2).collect();
        let network = Grid::new(network, None, &mbit, &[]);
        Some(Self { machine: Grid::new(cpu, memory, &vcpu, &memory_gib)?, network, whole })
    }

    /// Days of each future.
    pub(crate) fn horizon(&self) -> usize {
        self.machine.horizon
    }

    /// What is to be expected of a machine with these capacities. The network is drawn apart from the
    /// rest, so its bad days fall on those of the rest by chance.
    pub(crate) fn of(&self, (vcpu, memory_gib, mbit): (f64, f64, Option<f64>)) -> Burden {
        let (days, p) = self.machine.risk(vcpu, memory_gib);
        let overload_days = self.machine.risk(f64::INFINITY, memory_gib * self.whole).0;
        let network = self.network.as_ref().zip(mbit).map(|(grid, mbit)| grid.risk(mbit, f64::INFINITY));
        let (network_days, network_p) = network.unwrap_or_default();
        let both = days * network_days / self.horizon() as f64;
        Burden {
            bad_days: days + network_days - both,
            p_violation: p + network_p - p * network_p,
            overload_days,
            network_days,
        }
    }
}

/// Bad days of every pair of sizes.
///
/// A future's day is put into the cell of the smallest sizes that would hold it, so that the days a size
/// cannot hold are those outside its corner of the grid: one pass over the futures serves all types.
#[derive(Clone, Debug)]
struct Grid {
    cpu: Axis,
    memory: Axis,
    days: Vec<u64>,
    futures: Vec<u64>,
    n_paths: usize,
    horizon: usize,
}

impl Grid {
    /// The grid over all pairs of these capacities; a resource that is `None` never makes a bad day.
    /// Path `i` of both is one future. `None` when both are.
    fn new(cpu: Option<Resource>, memory: Option<Resource>, vcpu: &[f64], memory_gib: &[f64]) -> Option<Self> {
        let both = || cpu.iter().chain(&memory);
        let n_paths = both().map(|resource| resource.paths.len()).min()?;
        let horizon = both().map(|resource| resource.paths.horizon()).min()?;
        let (cpu_axis, memory_axis) = (Axis::new(cpu, vcpu), Axis::new(memory, memory_gib));
        let mut grid = Self {
            days: vec![0; cpu_axis.cells() * memory_axis.cells()],
            futures: vec![0; cpu_axis.cells() * memory_axis.cells()],
            cpu: cpu_axis,
            memory: memory_axis,
            n_paths,
            horizon,
        };
        let mut cpu_paths = cpu.map(|resource| resource.paths.iter());
        let mut memory_paths = memory.map(|resource| resource.paths.iter());
        for _ in 0..n_paths {
            let cpu = cpu_paths.as_mut().and_then(Iterator::next);
            let memory = memory_paths.as_mut().and_then(Iterator::next);
            grid.count(cpu, memory);
        }
        let (rows, columns) = (grid.cpu.cells(), grid.memory.cells());
        cumulate(&mut grid.days, rows, columns);
        cumulate(&mut grid.futures, rows, columns);
        Some(grid)
    }

    /// Expected bad days within the horizon, and P(at least one), on a machine with these capacities.
    fn risk(&self, vcpu: f64, memory_gib: f64) -> (f64, f64) {
        let cell = self.cpu.cell_of(vcpu) * self.memory.cells() + self.memory.cell_of(memory_gib);
        let n = self.n_paths as f64;
        let bad_days = (self.n_paths * self.horizon) as u64 - self.days[cell];
        let bad_futures = self.n_paths as u64 - self.futures[cell];
        (bad_days as f64 / n, bad_futures as f64 / n)
    }

    fn count(&mut self, cpu: Option<&[f64]>, memory: Option<&[f64]>) {
        let columns = self.memory.cells();
        let (mut worst_row, mut worst_column) = (0, 0);
        for day in 0..self.horizon {
            let row = cpu.map_or(0, |path| self.cpu.cell_for(path[day]));
            let column = memory.map_or(0, |path| self.memory.cell_for(path[day]));
            self.days[row * columns + column] += 1;
            worst_row = worst_row.max(row);
            worst_column = worst_column.max(column);
        }
        self.futures[worst_row * columns + worst_column] += 1;
    }
}

/// Equal steps from nothing to the highest day, by which the search for a cell is short-cut.
const STEPS: usize = 1024;

/// The sizes of one resource, ascending, with the limit of each.
#[derive(Clone, Debug)]
struct Axis {
    capacities: Vec<f64>,
    limits: Vec<f64>,
    /// The first cell that a value in each step can be in.
    first_cells: Vec<u32>,
    steps_per_unit: f64,
}

impl Axis {
    fn new(resource: Option<Resource>, capacities: &[f64]) -> Self {
        let Some(resource) = resource else {
            return Self { capacities: Vec::new(), limits: Vec::new(), first_cells: vec![0], steps_per_unit: 0.0 };
        };
        let mut capacities = capacities.to_vec();
        capacities.sort_unstable_by(f64::total_cmp);
        capacities.dedup();
        let highest = resource.paths.iter().map(highest).fold(f64::MIN_POSITIVE, f64::max);
        // Sizes that hold every day are all alike, and need no cells.
        capacities.retain(|&capacity| resource.limit_at(capacity) <= highest);
        let limits: Vec<f64> = capacities.iter().map(|&capacity| resource.limit_at(capacity)).collect();
        let steps_per_unit = STEPS as f64 / highest;
        // One step lower than its number says, so that rounding can never begin above the right cell.
        let low = |step: usize| step.saturating_sub(1) as f64 / steps_per_unit;
        let first = |step: usize| limits.partition_point(|&limit| limit <= low(step)) as u32;
        let first_cells = (0..=STEPS).map(first).collect();
        Self { capacities, limits, first_cells, steps_per_unit }
    }

    /// One cell per size, and one for days that need a larger one.
    fn cells(&self) -> usize {
        self.capacities.len() + 1
    }

    /// The cell of a size: days in it or before it are held.
    fn cell_of(&self, capacity: f64) -> usize {
        self.capacities.partition_point(|&smaller| smaller < capacity)
    }

    /// The cell of a day: the smallest size whose limit is above `value`.
    fn cell_for(&self, value: f64) -> usize {
        // The cast puts negative values into the first step; the last step is open above.
        let step = ((value * self.steps_per_unit) as usize).min(self.first_cells.len() - 1);
        let mut cell = self.first_cells[step] as usize;
        while self.limits.get(cell).is_some_and(|&limit| limit <= value) {
            cell += 1;
        }
        cell
    }
}

/// Replaces each cell of a row-major grid by the sum of all cells at or before it in both directions.
fn cumulate(cells: &mut [u64], rows: usize, columns: usize) {
    for row in 0..rows {
        for column in 1..columns {
            cells[row * columns + column] += cells[row * columns + column - 1];
        }
    }
    for cell in columns..cells.len() {
        cells[cell] += cells[cell - columns];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_grid_equals_counting_each_size_on_its_own(
            cpu in prop::collection::vec(-10.0f64..400.0, 40),
            memory in prop::collection::vec(0.0f64..100.0, 40),
            limit in 20.0f64..95.0,
        ) {
            let (cpu, memory) = (Paths::new(8, cpu).unwrap(), Paths::new(8, memory).unwrap());
            let on_cpu = Resource { paths: &cpu, limit, present: 4.0, serves_requests: None };
            let on_memory = Resource { paths: &memory, limit, present: 16.0, serves_requests: None };
            let (vcpu, gib) = ([8.0, 2.0, 4.0, 2.0], [8.0, 16.0, 4.0]);
            let grid = Grid::new(Some(on_cpu), Some(on_memory), &vcpu, &gib).unwrap();
            for v in vcpu { for g in gib {
                let is_bad = |(c, m): (&f64, &f64)| *c >= on_cpu.limit_at(v) || *m >= on_memory.limit_at(g);
                let futures: Vec<usize> = cpu.iter().zip(memory.iter())
                    .map(|(c, m)| c.iter().zip(m).filter(|&pair| is_bad(pair)).count())
                    .collect();
                let days = futures.iter().sum::<usize>() as f64 / 5.0;
                let p = futures.iter().filter(|&&n| n > 0).count() as f64 / 5.0;
                prop_assert_eq!(grid.risk(v, g), (days, p));
            }}
            let alone = Grid::new(Some(on_cpu), None, &vcpu, &[]).unwrap();
            prop_assert_eq!(alone.risk(2.0, 1.0), alone.risk(2.0, 99.0));
            prop_assert!(Grid::new(None, None, &vcpu, &gib).is_none());
        }
    }
}
