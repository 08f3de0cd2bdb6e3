//! Slurm's lists of hosts.

/// The first host of a list as `n[8-011],gpu1`; none of one that is not understood.
pub(super) fn first_host(list: &str) -> Option<String> {
    let list = list.trim();
    let end = list.find([',', '[']).unwrap_or(list.len());
    let (name, rest) = list.split_at(end);
    match rest.strip_prefix('[') {
        Some(ranges) => {
            let (ranges, _) = ranges.split_once(']')?;
            let first = ranges.split([',', '-']).next()?;
            let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| format!("{name}{first}"))
        }
        None => (!name.is_empty()).then(|| name.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_host_keeps_its_zeros() {
        for (list, host) in [
            ("n8", Some("n8")),
            ("n8,n9", Some("n8")),
            ("n[8-011]", Some("n8")),
            ("n[008-011,020],m1", Some("n008")),
            ("rack-1-n[3,1]", Some("rack-1-n3")),
            ("", None),
            ("n[", None),
            ("n[]", None),
            ("n[a-b]", None),
        ] {
            assert_eq!(first_host(list).as_deref(), host, "{list}");
        }
    }
}
