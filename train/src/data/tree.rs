//! What lies in a folder and below it: pictures, and what is no picture that can be read.

use super::error::DataError;
use image::ImageFormat;
use rayon::prelude::*;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most files and folders that are looked at, and how deep: a whole disk is no data set.
const ENTRIES: usize = 20_000_000;
const DEPTH: usize = 32;
/// Folders that systems put beside one's own.
const FOREIGN: [&str; 3] = ["__MACOSX", "@eaDir", "$RECYCLE.BIN"];
/// Endings of files that speak of pictures and are none, so that nobody misses them.
const ABOUT: [&str; 25] = [
    "txt", "md", "rst", "csv", "tsv", "json", "jsonl", "xml", "html", "htm", "yaml", "yml", "toml", "ini",
    "db", "log", "pdf", "py", "ipynb", "sh", "cff", "bib", "parts", "sha256", "md5",
];

/// A folder with all that is in it, sorted by name.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) folders: Vec<Folder>,
    pub(super) pictures: Vec<PathBuf>,
    pub(super) left_out: Vec<LeftOut>,
}

/// A file that is no picture that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) path: PathBuf,
    pub(super) why: &'static str,
}

/// What is in `folder`, by name, without hidden files.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let entries = fs::read_dir(folder).map_err(|error| DataError::unreadable(folder, error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| DataError::unreadable(folder, error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && !FOREIGN.contains(&&*name) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// What a path in a folder turns out to be.
enum Kind {
    Folder,
    Picture,
    LeftOut(&'static str),
    /// Neither a picture nor missed.
    About,
}

impl Folder {
    /// Looks through `folder` and all below it. Links are followed, but not back to where they come from.
    ///
    /// # Errors
    /// [`DataError::Unreadable`] when the system refuses; [`DataError::Malformed`] for more files than a data set has.
    pub(super) fn scan(folder: &Path) -> Result<Folder, DataError> {
        scan(folder, &mut Vec::new(), &mut 0)
    }

    /// The folder's own name.
    pub(super) fn name(&self) -> String {
        name(&self.path)
    }

    /// How many pictures are in it and below it.
    pub(super) fn count(&self) -> usize {
        self.pictures.len() + self.folders.iter().map(Folder::count).sum::<usize>()
    }

    /// The pictures in it, then those below it, folder by folder.
    pub(super) fn all_pictures(&self) -> Vec<PathBuf> {
        let mut all = self.pictures.clone();
        self.folders.iter().for_each(|folder| all.extend(folder.all_pictures()));
        all
    }

    /// What was left out in it and below it.
    pub(super) fn all_left_out(&self) -> Vec<LeftOut> {
        let mut all = self.left_out.clone();
        self.folders.iter().for_each(|folder| all.extend(folder.all_left_out()));
        all
    }
}

/// The last part of a path.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| "pictures".to_string(), |name| name.to_string_lossy().into_owned())
}

fn scan(folder: &Path, above: &mut Vec<PathBuf>, seen: &mut usize) -> Result<Folder, DataError> {
    let mut found = Folder {
        path: folder.to_path_buf(),
        folders: Vec::new(),
        pictures: Vec::new(),
        left_out: Vec::new(),
    };
    let place = folder.canonicalize().map_err(|error| DataError::unreadable(folder, error))?;
    if above.contains(&place) || above.len() >= DEPTH {
        return Ok(found);
    }
    let paths = entries(folder)?;
    *seen += paths.len();
    if *seen > ENTRIES {
        let what = format!("more than {ENTRIES} files");
        return Err(DataError::malformed(folder, what, "give the folder of one data set"));
    }
    let kinds = paths.par_iter().map(|path| kind(path)).collect::<Result<Vec<Kind>, _>>()?;
    above.push(place);
    for (path, kind) in paths.into_iter().zip(kinds) {
        match kind {
            Kind::Folder => found.folders.push(scan(&path, above, seen)?),
            Kind::Picture => found.pictures.push(path),
            Kind::LeftOut(why) => found.left_out.push(LeftOut { path, why }),
            Kind::About => {}
        }
    }
    above.pop();
    Ok(found)
}

/// Pictures are files that are named so, and those that begin as pictures do.
fn kind(path: &Path) -> Result<Kind, DataError> {
    let Ok(about) = fs::metadata(path) else { return Ok(Kind::LeftOut("a link to nothing")) };
    if about.is_dir() {
        return Ok(Kind::Folder);
    }
    if !about.is_file() {
        return Ok(Kind::LeftOut("a pipe or a device"));
    }
    if ImageFormat::from_path(path).is_ok_and(|format| format.reading_enabled())
        || begins_as_one(path, &about)?
    {
        return Ok(Kind::Picture);
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let name = name(path).to_lowercase();
    let spoken_of = ending.is_some_and(|ending| ABOUT.contains(&&*ending))
        || ["readme", "license", "licence"].iter().any(|word| name.starts_with(word));
    Ok(if spoken_of { Kind::About } else { Kind::LeftOut("not a format that is read") })
}

/// Files that say they are empty are none: some of the system's own never end.
fn begins_as_one(path: &Path, about: &Metadata) -> Result<bool, DataError> {
    if about.len() == 0 {
        return Ok(false);
    }
    let file = File::open(path).map_err(|error| DataError::unreadable(path, error))?;
    let mut start = Vec::new();
    file.take(64).read_to_end(&mut start).map_err(|error| DataError::unreadable(path, error))?;
    Ok(image::guess_format(&start).is_ok_and(|format| format.reading_enabled()))
}
