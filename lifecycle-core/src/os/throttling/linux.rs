//! `cpu.stat` of the process's control group and of those above it, which may have a quota, too (cgroups(7)).

use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Version 2 tells microseconds, version 1 nanoseconds.
const FIELDS: [(&[u8], u64); 2] = [(b"throttled_usec ", 1000), (b"throttled_time ", 1)];

/// The files, and what they said last.
pub(crate) struct Throttling {
    groups: Vec<(File, Duration)>,
}

impl Throttling {
    /// Groups that nothing can be read of are left out.
    pub(crate) fn find() -> Throttling {
        let groups = read_to_string("/proc/self/cgroup").unwrap_or_default();
        let folders = groups.lines().filter_map(folder).flat_map(|(mount, path)| with_parents(mount, &path));
        let files = folders.filter_map(|folder| File::open(folder.join("cpu.stat")).ok());
        Throttling { groups: files.filter_map(|file| read(&file).map(|now| (file, now))).collect() }
    }

    /// Since the last call. Every processor counts for itself, so it may be longer than the time that went by.
    pub(crate) fn since_last(&mut self) -> Duration {
        let mut longest = Duration::ZERO;
        for (file, before) in &mut self.groups {
            let now = read(file).unwrap_or(*before);
            longest = longest.max(now.saturating_sub(*before));
            *before = now;
        }
        longest
    }
}

/// Of a line of `/proc/self/cgroup` (number, controllers, path): where the group's folder is, if it has `cpu.stat`.
fn folder(line: &str) -> Option<(&'static Path, PathBuf)> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let mount = match controllers {
        "" => "/sys/fs/cgroup",
        _ if controllers.split(',').any(|controller| controller == "cpu") => "/sys/fs/cgroup/cpu",
        _ => return None,
    };
    Some((Path::new(mount), PathBuf::from(path.trim_start_matches('/'))))
}

fn with_parents(mount: &'static Path, path: &Path) -> Vec<PathBuf> {
    path.ancestors().map(|path| mount.join(path)).collect()
}

fn read(file: &File) -> Option<Duration> {
    let mut bytes = [0; 1024];
    let len = file.read_at(&mut bytes, 0).ok()?;
    parse(&bytes[..len])
}

fn parse(stat: &[u8]) -> Option<Duration> {
    FIELDS.into_iter().find_map(|(name, nanos)| {
        let value = stat.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name))?;
        let value: u64 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
        Some(Duration::from_nanos(value.saturating_mul(nanos)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        for (stat, expected) in [
            (&b"usage_usec 5\nnr_throttled 2\nthrottled_usec 1500\n"[..], Some(1_500_000)),
            (b"nr_periods 1\nthrottled_time 700\n", Some(700)),
            (b"usage_usec 5\n", None),
            (b"throttled_usec x\n", None),
        ] {
            assert_eq!(parse(stat), expected.map(Duration::from_nanos));
        }
    }

    #[test]
    fn a_group_is_looked_up_with_those_above_it() {
        let (mount, path) = folder("0::/a/b").expect("version 2");
        let folders = with_parents(mount, &path);
        assert_eq!(folders, ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup/"].map(PathBuf::from));
        assert_eq!(folder("4:cpu,cpuacct:/x").expect("version 1").0, Path::new("/sys/fs/cgroup/cpu"));
        assert_eq!(folder("4:memory:/x"), None);
    }
}
