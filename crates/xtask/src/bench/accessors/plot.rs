//! A plot of the copies' ratios by size.

use super::{
    ratios::{Comparison, Contender},
    units::bytes,
};
use anyhow::{Context as _, Result};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (960, 760);

/// The range of the plot. A ratio outside of it is drawn on the edge.
const LOWEST: f64 = 0.25;
const HIGHEST: f64 = 4.0;

const LINES: [(Contender, &str, RGBColor); 3] = [
    (Contender::Plain, "to memcpy", RGBColor(0x1F, 0x5F, 0xBF)),
    (
        Contender::Instruction,
        "to rep movsb",
        RGBColor(0xC0, 0x6A, 0x00),
    ),
    (
        Contender::Microseh,
        "to microseh around memcpy",
        RGBColor(0x2E, 0x8B, 0x57),
    ),
];

/// The comparisons, with the titles of their panels.
const PANELS: [(&str, &str); 2] = [
    (
        "copy hot beside glibc held to SSE2",
        "Guarded copy beside glibc held to SSE2, hot: time as a ratio (less is faster)",
    ),
    (
        "copy cold under Wine",
        "Guarded copy under Wine, cold: time as a ratio (less is faster)",
    ),
];

/// Returns the names of the comparisons in the plot.
#[cfg(test)]
pub fn comparisons() -> impl Iterator<Item = &'static str> {
    PANELS.iter().map(|(name, _)| *name)
}

/// Draws the plot into `file`.
pub fn draw(comparisons: &[Comparison], file: &Path) -> Result<()> {
    panels(comparisons, file).with_context(|| format!("{}: cannot draw", file.display()))
}

fn panels(
    comparisons: &[Comparison],
    file: &Path,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let panels = area.split_evenly((2, 1));
    for (panel, (name, title)) in panels.iter().zip(PANELS) {
        let found = comparisons.iter().find(|known| known.name == name);
        if let Some(comparison) = found {
            one(panel, comparison, title)?;
        }
    }
    area.present()
}

fn one(
    panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    comparison: &Comparison,
    title: &str,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let largest = comparison.sizes().max().unwrap_or(1);
    let mut chart = ChartBuilder::on(panel)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .margin_right(36)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(
            (1..largest).log_scale().base(2.0),
            (LOWEST..HIGHEST).log_scale().base(2.0),
        )?;
    chart
        .configure_mesh()
        .x_labels(14)
        .y_labels(5)
        .x_label_formatter(&|size| bytes(*size))
        .y_label_formatter(&|ratio| format!("{ratio:.2}"))
        .light_line_style(TRANSPARENT)
        .draw()?;
    chart.draw_series(LineSeries::new(
        [(1, 1.0), (largest, 1.0)],
        BLACK.stroke_width(1),
    ))?;
    for (contender, label, colour) in LINES {
        let points = comparison.sizes().filter_map(|size| {
            let ratio = comparison.ratio(size, contender)?;
            Some((size, ratio.clamp(LOWEST, HIGHEST)))
        });
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(label)
            .legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2))
            });
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()
}
