//! Charts as SVG. plotters lays them out; its colours become properties of the stylesheet, so that
//! they follow light and dark.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const SIZE: (u32, u32) = (760, 200);
/// Room for the words at the left and below.
const MARGIN: (u32, u32) = (52, 24);
/// Stand for the properties in the drawing.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
/// How many series have a colour of their own.
pub(super) const SERIES: usize = 6;

fn series(nth: usize) -> RGBColor {
    RGBColor(3, u8::try_from(nth % SERIES).unwrap_or(0), 3)
}

/// Bars or dots over time.
pub(super) struct Chart<'a> {
    /// What stands below each stretch; an empty one is left out.
    pub(super) ticks: &'a [String],
    /// Words for a screen reader.
    pub(super) label: &'a str,
}

impl Chart<'_> {
    /// For each stretch the parts of its bar, from below.
    pub(super) fn bars(&self, stretches: &[Vec<u64>]) -> Option<String> {
        #[expect(clippy::cast_precision_loss, reason = "a height in pixels")]
        let bars: Vec<Vec<f64>> =
            stretches.iter().map(|parts| parts.iter().map(|n| *n as f64).collect()).collect();
        let most = bars.iter().map(|parts| parts.iter().sum::<f64>()).fold(0.0, f64::max);
        self.draw(most, |to_pixel, area| {
            for (nth, parts) in bars.iter().enumerate() {
                let mut below = 0.0;
                for (part, height) in parts.iter().enumerate().filter(|(_, height)| **height > 0.0)
                {
                    let (left, bottom) = to_pixel(nth, 0.15, below);
                    let (right, top) = to_pixel(nth, 0.85, below + height);
                    let style = series(part).filled();
                    area.draw(&Rectangle::new([(left, top), (right, bottom)], style)).ok()?;
                    below += height;
                }
            }
            Some(())
        })
    }

    /// For each stretch a value, where there is one; neighbours are joined by a line.
    pub(super) fn dots(&self, values: &[Option<f64>]) -> Option<String> {
        let most = values.iter().flatten().copied().fold(0.0, f64::max);
        self.draw(most, |to_pixel, area| {
            let at = |nth: usize| values[nth].map(|value| to_pixel(nth, 0.5, value));
            let style = series(0).stroke_width(2);
            for nth in 1..values.len() {
                if let (Some(from), Some(to)) = (at(nth - 1), at(nth)) {
                    area.draw(&PathElement::new(vec![from, to], style)).ok()?;
                }
            }
            for place in (0..values.len()).filter_map(at) {
                area.draw(&Circle::new(place, 3, series(0).filled())).ok()?;
            }
            Some(())
        })
    }

    /// The frame with its scale; `None` where there is nothing to show.
    fn draw(
        &self,
        most: f64,
        inside: impl FnOnce(
            &dyn Fn(usize, f64, f64) -> (i32, i32),
            &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
        ) -> Option<()>,
    ) -> Option<String> {
        if most <= 0.0 || self.ticks.is_empty() {
            return None;
        }
        let step = step(most);
        let top = (most / step).ceil() * step;
        let (width, height) = (f64::from(SIZE.0 - MARGIN.0 - 8), f64::from(SIZE.1 - MARGIN.1 - 12));
        #[expect(clippy::cast_precision_loss, reason = "some fifty stretches")]
        let each = width / self.ticks.len() as f64;
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "pixels")]
        let to_pixel = |nth: usize, part: f64, value: f64| {
            let x = f64::from(MARGIN.0) + (nth as f64 + part) * each;
            let y = 12.0 + height * (1.0 - value / top);
            (x.round() as i32, y.round() as i32)
        };
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let words = TextStyle::from(("sans-serif", 14)).color(&INK);
            let mut value = 0.0;
            while value <= top + step / 2.0 {
                let (_, y) = to_pixel(0, 0.0, value);
                let line = vec![(MARGIN.0.cast_signed(), y), (SIZE.0.cast_signed() - 8, y)];
                area.draw(&PathElement::new(line, GRID)).ok()?;
                let right = words.pos(Pos::new(HPos::Right, VPos::Center));
                let text = scale(value);
                area.draw(&Text::new(text, (MARGIN.0.cast_signed() - 8, y), right)).ok()?;
                value += step;
            }
            for (nth, tick) in self.ticks.iter().enumerate().filter(|(_, tick)| !tick.is_empty()) {
                let (x, y) = to_pixel(nth, 0.5, 0.0);
                let middle = words.pos(Pos::new(HPos::Center, VPos::Top));
                area.draw(&Text::new(tick.clone(), (x, y + 6), middle)).ok()?;
            }
            inside(&to_pixel, &area)?;
            area.present().ok()?;
        }
        Some(self.themed(&svg))
    }

    /// The drawing with the page's colours and size.
    fn themed(&self, svg: &str) -> String {
        let label = crate::markdown::escape(self.label);
        let head = format!("<svg class=\"chart\" role=\"img\" aria-label=\"{label}\" ");
        let size = format!("width=\"{}\" height=\"{}\" ", SIZE.0, SIZE.1);
        let mut out = svg.replacen("<svg ", &head, 1).replacen(&size, "", 1);
        out = out.replace("#010101", "var(--dim)").replace("#020202", "var(--line)");
        for nth in 0..SERIES {
            out = out.replace(&format!("#03{nth:02X}03"), &format!("var(--series-{nth})"));
        }
        out
    }
}

/// A step of 1, 2 or 5 times a power of ten that gives at most five lines.
fn step(most: f64) -> f64 {
    let rough = most / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|n| n * power);
    steps.into_iter().find(|step| *step >= rough).unwrap_or(10.0 * power)
}

fn scale(value: f64) -> String {
    if value >= 1000.0 {
        format!("{}k", value / 1000.0)
    } else {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_round() {
        for (most, expected) in [(1.0, 0.5), (4.0, 1.0), (7.0, 2.0), (30.0, 10.0), (1234.0, 500.0)]
        {
            assert!((step(most) - expected).abs() < 1e-9, "{most}: {}", step(most));
        }
        let words: Vec<String> = [0.0, 0.5, 20.0, 1500.0].map(scale).to_vec();
        assert_eq!(words, ["0", "0.5", "20", "1.5k"]);
    }

    #[test]
    fn colours_are_the_pages_and_nothing_is_styled_inline() {
        let ticks = ["a<b".to_owned(), String::new()];
        let chart = Chart { ticks: &ticks, label: "say \"it\"" };
        let bars = chart.bars(&[vec![3, 1], vec![0, 0]]).unwrap();
        assert!(
            bars.starts_with("<svg class=\"chart\" role=\"img\" aria-label=\"say &quot;it&quot;\"")
        );
        assert!(bars.contains("var(--series-0)") && bars.contains("var(--series-1)"), "{bars}");
        assert!(bars.contains("a&lt;b"), "{bars}");
        let dots = chart.dots(&[Some(0.5), None]).unwrap();
        for svg in [bars, dots] {
            assert!(!svg.contains('#') && !svg.contains("style="), "{svg}");
        }
        assert_eq!(chart.bars(&[vec![0], vec![0]]), None);
        assert_eq!(chart.dots(&[None, None]), None);
    }
}
