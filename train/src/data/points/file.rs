use super::super::bounds::regular;
use super::super::error::DataError;
use super::super::files::Whole;
use super::super::index::Index;
use super::super::ledger::Ledger;
use super::super::source::Source;
use super::point::{SHAPE, write_bytes};
use super::table::{Table, parse};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tweedie_diffusion::plane::Units;

/// The largest file of points, in bytes.
const LARGEST: u64 = 1 << 28;

/// The points of a file, standardised.
pub(super) struct Points {
    points: Vec<[f32; 2]>,
    units: Units,
    notes: Vec<String>,
    classes: [String; 1],
    files: Whole,
}

impl Points {
    /// Reads a file of two columns.
    ///
    /// # Errors
    /// A file that cannot be read or is too large, and as [`parse`]; fewer than two points.
    pub(super) fn read(path: &Path) -> Result<Points, DataError> {
        let length = regular(path)?;
        if length > LARGEST {
            let what = format!("a file of {} MiB, more than {} MiB", length >> 20, LARGEST >> 20);
            return Err(DataError::malformed(path, what, "take fewer of its points"));
        }
        let unreadable = |error| DataError::unreadable(path, error);
        let mut bytes = Vec::new();
        // Files may grow while they are read.
        File::open(path).map_err(unreadable)?.take(LARGEST).read_to_end(&mut bytes).map_err(unreadable)?;
        let Ok(text) = String::from_utf8(bytes) else {
            let remedy = "give the folder that the data is in, or a text of two columns of numbers";
            return Err(DataError::malformed(path, "no text", remedy));
        };
        let Table { points, names } = parse(&text, path)?;
        if points.len() < 2 {
            let what = match points.len() {
                0 => "no points",
                _ => "a single point",
            };
            return Err(DataError::malformed(path, what, "give at least two, a line each"));
        }
        let units = Units::of(&points);
        let standardised = |&point: &[f64; 2]| units.standardised(point).map(|x| x as f32);
        let root = path.parent().unwrap_or(Path::new("")).to_path_buf();
        Ok(Points {
            points: points.iter().map(standardised).collect(),
            units,
            notes: names.into_iter().map(|[x, y]| format!("x is the column {x}, y is {y}")).collect(),
            classes: ["points".to_string()],
            files: Whole { root, paths: vec![path.to_path_buf()] },
        })
    }

    fn point(&self, index: usize) -> Result<[f32; 2], DataError> {
        self.points.get(index).copied().ok_or(DataError::Index { index, pictures: self.points.len() })
    }
}

impl Source for Points {
    fn len(&self) -> usize {
        self.points.len()
    }

    fn shape(&self) -> [usize; 3] {
        SHAPE
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn units(&self) -> Option<Units> {
        Some(self.units)
    }

    fn held(&self) -> u64 {
        size_of_val(&*self.points) as u64
    }

    fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        self.files.list(index)
    }

    fn watched(&self, ledger: &Arc<Ledger>) -> Result<Option<Arc<dyn Source>>, DataError> {
        self.files.check(ledger)?;
        Ok(None)
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        write_bytes(self.point(index)?, out);
        Ok(0)
    }

    fn values(&self, index: usize, out: &mut [f32]) -> Result<usize, DataError> {
        out.copy_from_slice(&self.point(index)?);
        Ok(0)
    }
}
