//! The last report in the file of `LIFECYCLE_HANG_REPORT`, for people who ask over HTTP. Not for a process that is broken.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use super::settings;
use crate::model::past::ReportFile;

/// As much of the file's end is looked at.
const LONGEST: u64 = 256 << 10;

/// Whether there is one.
pub(crate) fn file() -> ReportFile {
    match open() {
        Ok((_, metadata)) => ReportFile::There {
            at: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            bytes: metadata.len(),
        },
        Err(hint) => ReportFile::Missing { hint },
    }
}

/// Its text; else what to do to get one.
pub(crate) fn text() -> Result<String, String> {
    let (mut file, metadata) = open()?;
    let end = read_end(&mut file, metadata.len()).map_err(|error| error.to_string())?;
    Ok(last_of(&end).to_owned())
}

fn open() -> Result<(File, Metadata), String> {
    let path = settings::file()
        .ok_or("no hang report is kept: start the service with LIFECYCLE_HANG_REPORT=/path/of/a/file")?;
    let (file, metadata) =
        open_plain(path).map_err(|error| format!("LIFECYCLE_HANG_REPORT={}: {error}", path.display()))?;
    if metadata.len() == 0 {
        return Err(format!("no hang report so far: `kill -QUIT {}` makes one", std::process::id()));
    }
    Ok((file, metadata))
}

/// No link is followed, and no FIFO waited for.
fn open_plain(path: &Path) -> io::Result<(File, Metadata)> {
    let refuse = || io::Error::new(io::ErrorKind::InvalidInput, "not a plain file");
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(refuse());
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOFOLLOW);
    let file = options.open(path)?;
    // It may be another one by now.
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(refuse()) }
}

fn read_end(file: &mut File, length: u64) -> io::Result<String> {
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// From the first line of the last report; of one that is longer, what there is. In JSON each is a line.
fn last_of(text: &str) -> &str {
    let text = text.trim_end();
    let last_line = text.rsplit_once('\n').map_or(text, |(_, line)| line);
    if last_line.starts_with('{') {
        return last_line;
    }
    let title = "hang report of process ";
    let Some(begin) = text.rfind(&format!("\n{title}")).map(|at| at + 1) else { return text };
    // The line of the verdict comes before it.
    let before = text[..begin - 1].rfind('\n').map_or(0, |at| at + 1);
    &text[if text[before..].starts_with("CRITICAL ") { before } else { begin }..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_report_is_told() {
        for (text, last) in [
            ("", ""),
            ("hang report of process 1 at x:\na\nend\n", "hang report of process 1 at x:\na\nend"),
            (
                "hang report of process 1 at x:\nend\nhang report of process 1 at y:\nend\n",
                "hang report of process 1 at y:\nend",
            ),
            (
                "hang report of process 1 at x:\nend\nCRITICAL z\nhang report of process 1 at y:\nend",
                "CRITICAL z\nhang report of process 1 at y:\nend",
            ),
            ("CRITICAL z\nhang report of process 1 at y:", "CRITICAL z\nhang report of process 1 at y:"),
            ("the end of a long one\nend\n", "the end of a long one\nend"),
            ("{\"a\":1}\n{\"b\":2}\n", "{\"b\":2}"),
        ] {
            assert_eq!(last_of(text), last, "{text:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_end_of_a_plain_file_is_read_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("lifecycle-last-report-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (file, link) = (folder.join("hang.txt"), folder.join("link"));
        let text = "ä".repeat(200 << 10) + "the end";
        std::fs::write(&file, &text).expect("written");
        let (mut opened, metadata) = open_plain(&file).expect("a plain file");
        let end = read_end(&mut opened, metadata.len()).expect("read");
        assert!(end.ends_with("äthe end") && end.len() < 257 << 10, "{}", end.len());
        std::os::unix::fs::symlink(&file, &link).expect("ours");
        assert!(open_plain(&link).is_err() && open_plain(&folder).is_err());
        std::fs::remove_dir_all(&folder).expect("ours");
    }
}
