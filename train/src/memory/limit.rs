//! How much memory the process may hold: what the machine has left, the control groups that it is in, its own limits.

use super::resident::rss_mib;
use std::fs;
use std::path::{Path, PathBuf};

/// The most memory that this process can hold before the system stops it, in bytes; `None` where the system does not
/// tell. It is the least of
///
/// - what it holds and what the machine has available,
/// - what each control group above it, of version 1 or 2, has left,
/// - what its limits of address space and data (`ulimit -v`, `ulimit -d`) have left.
pub fn memory_limit() -> Option<u64> {
    limit_below(Path::new("/"), rss_mib() << 20, rayon::current_num_threads())
}

/// The same, of a process that holds `held` bytes and will begin `threads` more threads, on a machine whose `/proc` and `/sys`
/// are below `root`.
fn limit_below(root: &Path, held: u64, threads: usize) -> Option<u64> {
    let process = root.join("proc/self");
    let left = [available(root), own_limits(&process, threads), groups(root, &process)];
    left.into_iter().flatten().min().map(|left| held.saturating_add(left))
}

/// `MemAvailable` of the machine.
fn available(root: &Path) -> Option<u64> {
    kib(&text(&root.join("proc/meminfo"))?, "MemAvailable:")
}

/// Address space that a thread takes beside what it holds: its stack, and the system allocator's arena.
const OF_A_THREAD: u64 = 66 << 20;

/// What the address space and the data segment can grow by, when so many threads more, which read pictures, have begun.
fn own_limits(process: &Path, threads: usize) -> Option<u64> {
    let (limits, status) = (text(&process.join("limits"))?, text(&process.join("status"))?);
    // Blocks of tensors begin at multiples of 2 MiB: addresses between them are lost, though no memory is, and with
    // blocks of a few MiB that is nearly half.
    let usable = |left: u64| left / 2;
    let left = |limit: &str, used: &str, of_threads: u64| {
        let line = limits.lines().find_map(|line| line.strip_prefix(limit))?;
        let most: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(most.saturating_sub(kib(&status, used)?).saturating_sub(of_threads))
    };
    let both = [
        left("Max address space", "VmSize:", threads as u64 * OF_A_THREAD).map(usable),
        left("Max data size", "VmData:", 0),
    ];
    both.into_iter().flatten().min()
}

/// What the control groups have left, from the process's own up to the highest that can be seen.
fn groups(root: &Path, process: &Path) -> Option<u64> {
    let (memberships, mounts) = (text(&process.join("cgroup"))?, text(&process.join("mountinfo"))?);
    let mut least = None;
    for line in memberships.lines() {
        // number:controllers:path, the controllers of version 2 being none
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let second = controllers.is_empty();
        if !second && !controllers.split(',').any(|controller| controller == "memory") {
            continue;
        }
        let Some((mount_root, mount)) = mounts.lines().find_map(|line| hierarchy(line, second)) else {
            continue;
        };
        // In a container, the paths may begin above what is mounted.
        let below = Path::new(path).strip_prefix(&mount_root).unwrap_or(Path::new(""));
        let top = root.join(mount.strip_prefix("/").unwrap_or(&mount));
        let below: PathBuf =
            below.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect();
        for group in below.ancestors() {
            if let Some(left) = left_in(&top.join(group), second) {
                least = Some(least.map_or(left, |least: u64| least.min(left)));
            }
        }
    }
    least
}

/// Where the memory hierarchy of this version is mounted, and which of its groups is there, if a line of `mountinfo` says so.
fn hierarchy(line: &str, second: bool) -> Option<(PathBuf, PathBuf)> {
    let (place, kind) = line.split_once(" - ")?;
    let mut kind = kind.split(' ');
    let (filesystem, options) = (kind.next()?, kind.nth(1)?);
    let fits = match second {
        true => filesystem == "cgroup2",
        false => filesystem == "cgroup" && options.split(',').any(|option| option == "memory"),
    };
    let mut place = place.split(' ').skip(3).map(PathBuf::from);
    Some((place.next()?, place.next()?)).filter(|_| fits)
}

/// What one group has left. Pages of files that nobody has touched lately are given up first, and count as left.
fn left_in(group: &Path, second: bool) -> Option<u64> {
    let (limit, used, cache) = match second {
        true => ("memory.max", "memory.current", "inactive_file "),
        false => ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "),
    };
    let number = |name: &str| text(&group.join(name))?.trim().parse::<u64>().ok();
    // The second version says "max" where there is no limit; the first a number beyond any memory.
    let limit = number(limit).filter(|&limit| limit < 1 << 60)?;
    let stat = text(&group.join("memory.stat")).unwrap_or_default();
    let cache = stat.lines().find_map(|line| line.strip_prefix(cache)?.trim().parse().ok()).unwrap_or(0);
    Some(limit.saturating_sub(number(used).unwrap_or(0).saturating_sub(cache)))
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The number behind `key` in a list of KiB, in bytes.
fn kib(list: &str, key: &str) -> Option<u64> {
    let line = list.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// A machine of these files.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    const MEMORY: (&str, &str) = ("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable: 8192000 kB\n");

    #[test]
    fn without_other_limits_it_is_what_the_machine_has() {
        assert_eq!(limit_below(machine(&[MEMORY]).path(), 5, 2), Some(5 + (8_192_000 << 10)));
        assert_eq!(limit_below(machine(&[]).path(), 5, 2), None);
    }

    #[test]
    fn the_tightest_group_above_the_process_counts_in_the_second_version() {
        let root = machine(&[
            MEMORY,
            ("proc/self/cgroup", "0::/user/job/step\n"),
            ("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"),
            ("sys/fs/cgroup/user/job/step/memory.max", "max\n"),
            ("sys/fs/cgroup/user/job/memory.max", "1048576000\n"),
            ("sys/fs/cgroup/user/job/memory.current", "524288000\n"),
            ("sys/fs/cgroup/user/job/memory.stat", "anon 1\ninactive_file 104857600\n"),
            ("sys/fs/cgroup/user/memory.max", "4194304000\n"),
        ]);
        assert_eq!(limit_below(root.path(), 10 * MIB, 2), Some(610 * MIB));
    }

    #[test]
    fn the_first_version_and_mounts_of_containers_are_read() {
        let root = machine(&[
            MEMORY,
            ("proc/self/cgroup", "5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n0::/docker/a\n"),
            (
                "proc/self/mountinfo",
                "40 30 0:30 /docker/a /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n\
                 41 30 0:31 /docker/a /sys/fs/cgroup/memory ro master:11 - cgroup cgroup rw,memory\n",
            ),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "104857600\n"),
            ("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 0\n"),
        ]);
        assert_eq!(limit_below(root.path(), 0, 2), Some(412 * MIB));
    }

    #[test]
    fn a_limit_of_address_space_counts_what_is_mapped_already() {
        let root = machine(&[
            MEMORY,
            (
                "proc/self/limits",
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max data size             unlimited            unlimited            bytes     \n\
                 Max address space         1048576000           unlimited            bytes     \n",
            ),
            ("proc/self/status", "VmSize:\t  102400 kB\nVmData:\t  1 kB\n"),
        ]);
        assert_eq!(limit_below(root.path(), 7 * MIB, 2), Some((7 + 768 / 2) * MIB));
    }

    #[test]
    fn this_machine_has_a_limit() {
        assert!(memory_limit().is_none_or(|limit| limit > 16 * MIB));
    }
}
