//! Memory, descriptors and threads, read from files of `/proc` and of the control group that are kept open.

use std::fs::{File, read_to_string};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::entry::Entry;

pub(super) struct Sampler {
    statm: Option<File>,
    descriptors: Option<File>,
    threads: Option<File>,
    page_size: u64,
    group: Option<Group>,
    machine: Option<File>,
    pressure: Option<File>,
    /// At the last tick.
    before: AtomicU64,
}

/// The control group whose limit is the nearest.
struct Group {
    number: u64,
    limit: u64,
    usage: File,
    stat: Option<File>,
    events: Option<File>,
}

/// What versions 2 and 1 call them (cgroups(7)).
struct Names {
    usage: &'static str,
    limit: &'static str,
    events: &'static str,
    cache: &'static str,
}

const NAMES: [Names; 2] = [
    Names { usage: "memory.current", limit: "memory.max", events: "memory.events", cache: "inactive_file " },
    Names {
        usage: "memory.usage_in_bytes",
        limit: "memory.limit_in_bytes",
        events: "memory.oom_control",
        cache: "total_inactive_file ",
    },
];

impl Sampler {
    pub(super) fn find() -> Sampler {
        let open = |path: &str| File::open(path).ok();
        // SAFETY: takes a number only.
        let page_size = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        let (folder, group) = Group::find().unzip();
        let group: Option<Group> = group;
        let own = folder.as_deref().and_then(|folder: &Path| File::open(folder.join("memory.pressure")).ok());
        Sampler {
            statm: open("/proc/self/statm"),
            descriptors: open("/proc/self/fd"),
            threads: open("/proc/self/task"),
            page_size,
            machine: open("/proc/meminfo").filter(|_| group.is_none()),
            group,
            pressure: own.or_else(|| open("/proc/pressure/memory")),
            before: AtomicU64::new(0),
        }
    }

    pub(super) fn sample(&self, entry: &mut Entry) {
        let mut bytes = [0; 4096];
        let pages = field_at(read(self.statm.as_ref(), &mut bytes), 1);
        entry.resident = pages.unwrap_or(0).saturating_mul(self.page_size);
        // The kernel tells the number of open descriptors since 6.2, else zero; threads are links beside `.` and `..`.
        entry.descriptors =
            self.descriptors.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |m| m.len());
        let links = self.threads.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |m| m.nlink());
        entry.threads = links.saturating_sub(2);
        entry.pressure = hundredths(read(self.pressure.as_ref(), &mut bytes));
        if let Some(group) = &self.group {
            group.sample(entry);
        } else {
            let about = read(self.machine.as_ref(), &mut bytes);
            let kibibytes = |name| number(about, name).map(|number| number.saturating_mul(1024));
            if let (Some(total), Some(free)) = (kibibytes("MemTotal:"), kibibytes("MemAvailable:")) {
                (entry.memory, entry.memory_limit, entry.is_machine) = (total.saturating_sub(free), total, 1);
            }
        }
        entry.memory_before = self.before.swap(entry.memory, Relaxed);
    }
}

impl Group {
    /// With its folder.
    fn find() -> Option<(PathBuf, Group)> {
        let groups = read_to_string("/proc/self/cgroup").unwrap_or_default();
        let folders = groups
            .lines()
            .filter_map(folder)
            .flat_map(|(mount, path)| path.ancestors().map(|path| mount.join(path)).collect::<Vec<_>>());
        let groups = folders.filter_map(|folder| Some((Group::of(&folder)?, folder)));
        groups.min_by_key(|(group, _)| group.limit).map(|(group, folder)| (folder, group))
    }

    /// `None` if nothing limits it. Version 1 has a number beyond any machine's memory then.
    fn of(folder: &Path) -> Option<Group> {
        let names = NAMES.iter().find(|names| folder.join(names.usage).exists())?;
        let limit: u64 = read_to_string(folder.join(names.limit)).ok()?.trim().parse().ok()?;
        let open = |name: &str| File::open(folder.join(name)).ok();
        let number = std::fs::metadata(folder).ok()?.ino();
        let (usage, stat, events) = (open(names.usage)?, open("memory.stat"), open(names.events));
        (limit < 1 << 50).then_some(Group { number, limit, usage, stat, events })
    }

    fn sample(&self, entry: &mut Entry) {
        let mut bytes = [0; 4096];
        let usage = field_at(read(Some(&self.usage), &mut bytes), 0).unwrap_or(0);
        let stat = read(self.stat.as_ref(), &mut bytes);
        let cache = NAMES.iter().rev().find_map(|names| number(stat, names.cache)).unwrap_or(0);
        (entry.memory, entry.memory_limit) = (usage.saturating_sub(cache), self.limit);
        (entry.group, entry.kills) = (self.number, self.kills(&mut bytes));
    }

    fn kills(&self, bytes: &mut [u8]) -> u64 {
        number(read(self.events.as_ref(), bytes), "oom_kill ").unwrap_or(0)
    }
}

/// The control group of this process, and how many of its processes were killed for memory.
pub(crate) fn group_now() -> Option<(u64, u64)> {
    let (_, group) = Group::find()?;
    Some((group.number, group.kills(&mut [0; 1024])))
}

/// Of a line of `/proc/self/cgroup` (number, controllers, path): where the group's folder may be.
fn folder(line: &str) -> Option<(&'static Path, PathBuf)> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let mount = match controllers {
        "" => "/sys/fs/cgroup",
        _ if controllers.split(',').any(|controller| controller == "memory") => "/sys/fs/cgroup/memory",
        _ => return None,
    };
    Some((Path::new(mount), PathBuf::from(path.trim_start_matches('/'))))
}

fn read<'a>(file: Option<&File>, bytes: &'a mut [u8]) -> &'a [u8] {
    let len = file.and_then(|file| file.read_at(bytes, 0).ok()).unwrap_or(0);
    &bytes[..len]
}

fn field_at(text: &[u8], index: usize) -> Option<u64> {
    parse(text.split(u8::is_ascii_whitespace).nth(index)?)
}

/// The number behind `name` at the begin of a line.
fn number(text: &[u8], name: &str) -> Option<u64> {
    let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name.as_bytes()))?;
    parse(line.trim_ascii().split(|byte| *byte == b' ').next()?)
}

/// `some avg10=1.23 avg60=…` of pressure stall information, as 123.
fn hundredths(text: &[u8]) -> u64 {
    let average = text.strip_prefix(b"some avg10=").and_then(|rest| rest.split(|byte| *byte == b' ').next());
    let mut digits = [0; 8];
    let mut len = 0;
    for digit in average.unwrap_or_default().iter().filter(|digit| **digit != b'.').take(8) {
        digits[len] = *digit;
        len += 1;
    }
    parse(&digits[..len]).unwrap_or(0)
}

fn parse(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        assert_eq!(field_at(b"1500 321 100 5 0 90 0\n", 1), Some(321));
        assert_eq!(number(b"low 0\noom 3\noom_kill 2\n", "oom_kill "), Some(2));
        assert_eq!(number(b"MemTotal:       16311476 kB\n", "MemTotal:"), Some(16_311_476));
        assert_eq!(number(b"max 5\n", "oom_kill "), None);
        assert_eq!(hundredths(b"some avg10=12.30 avg60=0.00 total=5\nfull"), 1230);
        assert_eq!((hundredths(b""), hundredths(b"some avg10=x")), (0, 0));
        assert_eq!(folder("4:memory:/a/b"), Some((Path::new("/sys/fs/cgroup/memory"), "a/b".into())));
        assert_eq!(folder("0::/"), Some((Path::new("/sys/fs/cgroup"), "".into())));
        assert_eq!(folder("1:cpu:/a"), None);
    }

    #[test]
    fn this_process_has_memory_and_threads() {
        let mut entry = Entry::default();
        Sampler::find().sample(&mut entry);
        assert!(entry.resident > 1 << 16 && entry.threads > 1 && entry.memory > 0, "{entry:?}");
    }
}
