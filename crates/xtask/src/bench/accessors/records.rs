//! Criterion's records: a folder for each benchmark, with its name in one file and its times in
//! another.

use super::ratios::{Comparison, Contender};
use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde::{Deserialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};

/// The part of `benchmark.json` that is used.
#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: String,
    value_str: String,
}

/// The part of `sample.json` that is used.
#[derive(Deserialize)]
struct Sample {
    /// How many iterations each measurement had.
    iters: Vec<f64>,
    /// How many nanoseconds it took.
    times: Vec<f64>,
}

impl Sample {
    /// Returns the least time of an iteration, in nanoseconds.
    fn least(&self) -> Option<f64> {
        self.times
            .iter()
            .zip(&self.iters)
            .map(|(time, iterations)| time / iterations)
            .min_by(f64::total_cmp)
    }
}

/// Reads all records below `folder`. `place` follows the names of the comparisons.
pub fn read(folder: &Path, place: &str) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for record in records_below(folder)? {
        let file = record.join("benchmark.json");
        let benchmark: Benchmark = parse(&file)?;
        let sample: Sample = parse(&record.join("sample.json"))?;
        sample
            .least()
            .and_then(|time| add(&mut comparisons, &benchmark, place, time))
            .with_context(|| format!("{}: an unknown benchmark", file.display()))?;
    }
    if comparisons.is_empty() {
        bail!("{}: nothing was measured", folder.display());
    }
    Ok(comparisons)
}

/// Adds one measurement to its comparison, if its name is understood.
fn add(
    comparisons: &mut Vec<Comparison>,
    benchmark: &Benchmark,
    place: &str,
    time: f64,
) -> Option<()> {
    let (name, _round) = benchmark.group_id.split_once('@')?;
    let name = format!("{name} {place}");
    let contender = Contender::named(&benchmark.function_id)?;
    let size = benchmark.value_str.parse().ok()?;
    let index = comparisons
        .iter()
        .position(|known| known.name == name)
        .unwrap_or_else(|| {
            comparisons.push(Comparison::new(&name));
            comparisons.len() - 1
        });
    comparisons.get_mut(index)?.add(size, contender, time);
    Some(())
}

/// Returns the folders named `new`, which have the records of the last run.
fn records_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut to_visit = vec![folder.to_owned()];
    while let Some(folder) = to_visit.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name == "new") {
                found.push(path);
            } else if path.is_dir() {
                to_visit.push(path);
            }
        }
    }
    Ok(found)
}

fn parse<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file)?;
    serde_json::from_str(&text).with_context(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn benchmark(group: &str, function: &str, value: &str) -> Benchmark {
        Benchmark {
            group_id: group.to_owned(),
            function_id: function.to_owned(),
            value_str: value.to_owned(),
        }
    }

    #[test]
    fn records_are_grouped_by_comparison() {
        let mut comparisons = Vec::new();
        for (group, function, time) in [
            ("copy hot@0", "guarded", 3.0),
            ("copy hot@0", "plain", 2.0),
            ("copy hot@1", "plain", 1.0),
            ("copy hot@1", "guarded", 4.0),
            ("fill@0", "guarded", 1.0),
        ] {
            let benchmark = benchmark(group, function, "8");
            add(&mut comparisons, &benchmark, "here", time).unwrap();
        }
        let names: Vec<&str> = comparisons
            .iter()
            .map(|found| found.name.as_str())
            .collect();
        assert_eq!(names, ["copy hot here", "fill here"]);
        let ratio = comparisons[0].ratio(8, Contender::Plain).unwrap();
        assert!((ratio - 3.0).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn the_least_time_of_an_iteration_counts() {
        let sample = Sample {
            iters: vec![10.0, 20.0, 10.0],
            times: vec![50.0, 60.0, 900.0],
        };
        assert_eq!(sample.least(), Some(3.0));
    }

    #[test]
    fn an_unknown_name_is_refused() {
        for (group, function, value) in [
            ("copy", "guarded", "8"),
            ("copy@0", "other", "8"),
            ("copy@0", "guarded", "eight"),
        ] {
            let benchmark = benchmark(group, function, value);
            let refused = add(&mut Vec::new(), &benchmark, "", 1.0);
            assert_eq!(refused, None, "{group} {function} {value}");
        }
    }
}
