//! How much memory the process holds, where the system tells.

/// The most resident memory that this process has held, MiB; 0 where the system does not tell.
pub fn peak_rss_mib() -> u64 {
    status_kib("VmHWM:") / 1024
}

/// Has [`peak_rss_mib`] count from what the process holds now, where the system allows that; elsewhere it does nothing.
pub fn forget_peak() {
    // Linux, since 4.0; see proc_pid_clear_refs(5).
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The resident memory of this process now, MiB; 0 where the system does not tell.
pub fn rss_mib() -> u64 {
    status_kib("VmRSS:") / 1024
}

fn status_kib(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
