//! A plot as SVG: time over a number of things, both axes logarithmic, so that what is linear is a straight line of
//! slope one.

use plotters::prelude::{
    BLACK, ChartBuilder, Circle, Color, IntoDrawingArea, IntoLogRange, LineSeries, Palette, Palette99,
    PathElement, SVGBackend, SeriesLabelPosition, WHITE,
};

use crate::{Outcome, report::Plot};

/// Width and height, in pixels.
const SIZE: (u32, u32) = (800, 500);

/// Draws `plot` under the headline `title`.
///
/// # Errors
/// When it has no points.
pub(crate) fn svg(title: &str, plot: &Plot) -> Outcome<String> {
    let points = || plot.lines.iter().flat_map(|it| it.points.iter().copied());
    let ends = |all: Vec<f64>| {
        let least = all.iter().copied().reduce(f64::min).ok_or("a plot without points")?;
        let most = all.iter().copied().reduce(f64::max).ok_or("a plot without points")?;
        Outcome::Ok((least * 0.8, most * 1.25))
    };
    let (left, right) = ends(points().map(|it| it.0).collect())?;
    let (bottom, top) = ends(points().map(|it| it.1 / 1e3).collect())?;
    let mut drawn = String::new();
    {
        let area = SVGBackend::with_string(&mut drawn, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d((left..right).log_scale(), (bottom..top).log_scale())?;
        chart.configure_mesh().x_desc(plot.over).y_desc("milliseconds").draw()?;
        for (index, line) in plot.lines.iter().enumerate() {
            let color = Palette99::pick(index).to_rgba();
            let points: Vec<(f64, f64)> = line.points.iter().map(|(n, micros)| (*n, micros / 1e3)).collect();
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(&line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
            chart.draw_series(points.iter().map(|it| Circle::new(*it, 3, color.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        area.present()?;
    }
    Ok(drawn)
}
