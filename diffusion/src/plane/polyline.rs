use tweedie_tensor::random::Stream;

/// A point of these lines, each place along their whole length equally likely.
pub(super) fn along(lines: &[&[[f64; 2]]], stream: &mut Stream) -> [f64; 2] {
    let parts = || lines.iter().flat_map(|line| line.windows(2).map(|ends| (ends[0], ends[1])));
    let length = |(from, to): ([f64; 2], [f64; 2])| {
        let [x, y] = [to[0] - from[0], to[1] - from[1]];
        (x * x + y * y).sqrt()
    };
    let mut left = stream.uniform() * parts().map(length).sum::<f64>();
    let mut end = [0.0; 2];
    for (from, to) in parts() {
        let length = length((from, to));
        if left < length {
            let share = left / length;
            return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
        }
        (left, end) = (left - length, to);
    }
    end
}
