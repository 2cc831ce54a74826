//! Whether the system has memory for a helper: a report must not be what a service is killed for. Allocates nothing.

use std::fmt::Write;
use std::os::fd::AsRawFd;

use lifecycle_os::procfs::{self, File, field};
use lifecycle_os::text::Text;

/// What a helper takes beside the file that it reads.
const NEED: u64 = 96 << 20;

/// Where control groups are mounted.
const GROUPS: &str = "/sys/fs/cgroup";

/// The files of one version of control groups: limit, use, and what of the use can be had back.
struct Version {
    folder: &'static str,
    limit: &'static str,
    usage: &'static str,
    cache: &'static str,
}

const V1: Version = Version {
    folder: "/memory",
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    cache: "total_inactive_file ",
};
const V2: Version =
    Version { folder: "", limit: "memory.max", usage: "memory.current", cache: "inactive_file " };

/// Whether a helper may be started.
pub(super) fn is_enough() -> bool {
    let mut groups = [0; 4096];
    let groups = procfs::read(format_args!("/proc/self/cgroup"), &mut groups);
    free(groups, GROUPS).min(free_of_machine()) >= NEED.saturating_add(size_of_executable())
}

fn size_of_executable() -> u64 {
    let file = File::open(format_args!("/proc/self/exe"), libc::O_RDONLY);
    // SAFETY: takes numbers only.
    let size = file.map_or(0, |file| unsafe { libc::lseek(file.as_raw_fd(), 0, libc::SEEK_END) });
    u64::try_from(size).unwrap_or(0)
}

fn free_of_machine() -> u64 {
    let mut info = [0; 4096];
    let info = procfs::read(format_args!("/proc/meminfo"), &mut info);
    let available =
        field(info, "MemAvailable:").and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
    available.map_or(u64::MAX, |kilobytes| kilobytes.saturating_mul(1024))
}

/// What the tightest of the groups that a process is in leaves, by the lines of `/proc/self/cgroup`.
fn free(groups: &[u8], mounted: &str) -> u64 {
    let groups = std::str::from_utf8(groups).unwrap_or_default();
    let left = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let version = match controllers {
            "" if number == "0" => V2,
            _ if controllers.split(',').any(|controller| controller == "memory") => V1,
            _ => return None,
        };
        Some(free_of_groups(path, mounted, &version))
    });
    left.min().unwrap_or(u64::MAX)
}

/// Of a group and of all that hold it, up to the one that is mounted.
fn free_of_groups(path: &str, mounted: &str, version: &Version) -> u64 {
    let mut left = u64::MAX;
    let mut path = path.trim_end_matches('/');
    loop {
        let mut folder = Text::<1024>::new();
        let _ = write!(folder, "{mounted}{}{path}", version.folder);
        left = left.min(free_of_group(folder.as_str(), version).unwrap_or(u64::MAX));
        match path.rsplit_once('/') {
            Some((parent, _)) => path = parent,
            None => return left,
        }
    }
}

/// `None` without a limit.
fn free_of_group(folder: &str, version: &Version) -> Option<u64> {
    let number = |file: &str| {
        let mut text = [0; 32];
        let text = procfs::read(format_args!("{folder}/{file}"), &mut text);
        std::str::from_utf8(text).ok()?.trim().parse::<u64>().ok()
    };
    let (limit, usage) = (number(version.limit)?, number(version.usage)?);
    let mut stat = [0; 4096];
    let stat = procfs::read(format_args!("{folder}/memory.stat"), &mut stat);
    let cache = field(stat, version.cache).and_then(|text| text.parse().ok()).unwrap_or(0);
    Some(limit.saturating_sub(usage.saturating_sub(cache)))
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, write};

    use super::*;

    #[test]
    fn the_tightest_group_counts_and_its_cache_is_free() {
        let root = std::env::temp_dir().join(format!("lifecycle-hang-{}", std::process::id()));
        let group = |name: &str, files: &[(&str, &str)]| {
            let folder = root.join(name);
            create_dir_all(&folder).expect("a folder");
            files.iter().for_each(|(file, text)| write(folder.join(file), text).expect("written"));
        };
        group("pod", &[("memory.max", "1000\n"), ("memory.current", "700\n")]);
        group("pod/app", &[("memory.max", "max\n"), ("memory.current", "600\n")]);
        group(
            "pod/cache",
            &[
                ("memory.max", "800"),
                ("memory.current", "700"),
                ("memory.stat", "anon 1\ninactive_file 650\n"),
            ],
        );
        group("memory/old", &[("memory.limit_in_bytes", "500\n"), ("memory.usage_in_bytes", "100\n")]);
        let mounted = root.to_str().expect("a path");
        for (groups, expected) in [
            ("0::/pod/app\n", 300),
            ("0::/pod\n", 300),
            ("0::/\n", u64::MAX),
            ("0::/pod/cache\n", 300),
            ("5:cpu:/old\n4:memory,hugetlb:/old\n0::/\n", 400),
            ("0::/gone\n", u64::MAX),
            ("", u64::MAX),
        ] {
            assert_eq!(free(groups.as_bytes(), mounted), expected, "{groups}");
        }
        std::fs::remove_dir_all(&root).expect("ours");
    }
}
