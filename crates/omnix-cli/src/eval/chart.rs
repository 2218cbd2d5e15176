//! Two pictures as SVG, complete in themselves: no script, no style sheet, nothing to fetch.

use std::fmt::Write as _;

use super::metric::Tenth;

/// The side of a picture's square, and what is left of it and below it for words, in pixels.
const SIDE: f64 = 320.0;
const MARGIN: f64 = 56.0;
/// Points of a curve that are drawn.
const POINTS_MAX: usize = 200;

/// Stated against observed: a dot a tenth, as large as it has rows, and the diagonal on which both agree.
pub(crate) fn reliability(tenths: &[Tenth]) -> String {
    let mut svg = Frame { x: "stated probability", y: "share that came true" }.open();
    line(&mut svg, &[(0.0, 0.0), (1.0, 1.0)], "#999", "4 4");
    let rows: u64 = tenths.iter().map(|tenth| tenth.rows).sum();
    let filled: Vec<&Tenth> = tenths.iter().filter(|tenth| tenth.rows > 0).collect();
    let points: Vec<(f64, f64)> = filled.iter().map(|tenth| (tenth.stated, tenth.observed)).collect();
    line(&mut svg, &points, "#1f6f8b", "none");
    for tenth in filled {
        let radius = 3.0 + 12.0 * (tenth.rows as f64 / rows as f64).sqrt();
        let (x, y) = (place_x(tenth.stated), place_y(tenth.observed));
        // Writing to a string does not fail.
        let _ = write!(
            svg,
            r##"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" fill="#1f6f8b" fill-opacity="0.6"><title>{} predictions: stated {:.1} %, came true {:.1} %</title></circle>"##,
            tenth.rows,
            tenth.stated * 100.0,
            tenth.observed * 100.0
        );
    }
    svg + "</svg>"
}

/// A curve of gains: points of (share of rows, share found).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Curve<'a> {
    pub(crate) name: &'a str,
    pub(crate) colour: &'a str,
    pub(crate) points: &'a [(f64, f64)],
}

/// Curves of gains, and the diagonal of guessing.
pub(crate) fn lift(curves: &[Curve<'_>]) -> String {
    let mut svg =
        Frame { x: "share of all pairs looked at, best first", y: "share of purchases found" }.open();
    line(&mut svg, &[(0.0, 0.0), (1.0, 1.0)], "#999", "4 4");
    for (number, Curve { name, colour, points }) in curves.iter().enumerate() {
        line(&mut svg, &thinned(points), colour, "none");
        let y = place_y(0.12 - 0.06 * number as f64);
        let x = place_x(0.55);
        let _ = write!(svg, r#"<text x="{x:.1}" y="{y:.1}" fill="{colour}">{name}</text>"#);
    }
    svg + "</svg>"
}

/// The axes' names.
struct Frame {
    x: &'static str,
    y: &'static str,
}

impl Frame {
    /// The picture with its axes, still open.
    fn open(&self) -> String {
        let (width, height) = (SIDE + MARGIN + 28.0, SIDE + MARGIN + 16.0);
        let mut svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{y} by {x}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="12">"#,
            x = self.x,
            y = self.y,
        );
        for step in 0..=5 {
            let share = f64::from(step) / 5.0;
            let (x, y) = (place_x(share), place_y(share));
            let (left, bottom, percent) = (place_x(0.0), place_y(0.0), step * 20);
            let _ = write!(
                svg,
                r##"<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="#ddd"/><text x="{label_x}" y="{label_y}" text-anchor="end">{percent} %</text><text x="{x}" y="{below}" text-anchor="middle">{percent} %</text>"##,
                right = place_x(1.0),
                label_x = left - 6.0,
                label_y = y + 4.0,
                below = bottom + 18.0,
            );
        }
        let middle = place_x(0.5);
        let (below, half) = (place_y(0.0) + 40.0, place_y(0.5));
        let _ = write!(
            svg,
            r#"<text x="{middle}" y="{below}" text-anchor="middle">{}</text><text transform="translate(14 {half}) rotate(-90)" text-anchor="middle">{}</text>"#,
            self.x, self.y
        );
        svg
    }
}

fn place_x(share: f64) -> f64 {
    MARGIN + share * SIDE
}

fn place_y(share: f64) -> f64 {
    16.0 + (1.0 - share) * SIDE
}

fn line(svg: &mut String, points: &[(f64, f64)], colour: &str, dashes: &str) {
    let _ = write!(
        svg,
        r#"<polyline fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}" points=""#
    );
    for (x, y) in points {
        let _ = write!(svg, "{:.1},{:.1} ", place_x(*x), place_y(*y));
    }
    svg.push_str(r#""/>"#);
}

/// As many of the points as can be seen, the last among them.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(POINTS_MAX).max(1);
    points.iter().step_by(step).chain(points.last()).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_lies_on_the_diagonal() {
        let svg = reliability(&[Tenth { rows: 4, stated: 0.25, observed: 0.25 }, Tenth::default()]);
        assert!(svg.contains(r#"cx="136.0" cy="256.0""#), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(svg.contains("4 predictions: stated 25.0 %, came true 25.0 %"));
    }

    #[test]
    fn a_long_curve_is_thinned_and_ends_at_its_end() {
        let points: Vec<(f64, f64)> = (0..=10_000).map(|step| (f64::from(step) / 1e4, 1.0)).collect();
        let drawn = thinned(&points);
        assert!(drawn.len() <= POINTS_MAX + 1);
        assert_eq!(drawn.last(), Some(&(1.0, 1.0)));
        assert!(thinned(&[]).is_empty());
    }
}
