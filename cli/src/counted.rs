//! Numbers of things, as people say them.

use crate::report::grouped;

/// A number of things that are called `one` where there is one of them, and `one` with an s elsewhere: 1 picture, 2 pictures.
pub(crate) fn counted(number: usize, one: &str) -> String {
    counted_as(number, one, &format!("{one}s"))
}

/// As [`counted`], for words with a plural of their own: 1 class, 2 classes.
pub(crate) fn counted_as(number: usize, one: &str, several: &str) -> String {
    format!("{} {}", grouped(number as u64), if number == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1, "picture"), "1 picture");
        assert_eq!(counted(0, "picture"), "0 pictures");
        assert_eq!(counted_as(1200, "class", "classes"), "1,200 classes");
    }
}
