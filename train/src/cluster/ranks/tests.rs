use super::*;
use crate::cluster::Collective;
use crate::cluster::sum::Bucket;
use crate::cluster::tree::{Node, Sums, leaves_of};
use crate::config::GradientPrecision;
use std::net::TcpListener;
use std::thread;
use std::time::Instant;
use tweedie_tensor::Tensor;
use tweedie_tensor::random::{Purpose, normal};

/// A port that was free a moment ago.
fn master() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn rank(rank: usize, size: usize, master: &str) -> Ranks {
    Ranks {
        rank,
        size,
        enough: size,
        master: master.to_string(),
        secret: Secret::new(b"of the test"),
        join_timeout: Duration::from_secs(20),
        peer_timeout: Duration::from_secs(5),
    }
}

/// Runs a job of threads; what each rank returned.
fn job<T: Send + 'static>(size: usize, work: impl Fn(Team) -> T + Clone + Send + 'static) -> Vec<T> {
    let master = master();
    let ranks: Vec<_> = (0..size)
        .map(|number| {
            let (ranks, work) = (rank(number, size, &master), work.clone());
            thread::spawn(move || work(ranks.join().unwrap().start().unwrap()))
        })
        .collect();
    ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
}

/// The tensors of a leaf: some larger than a piece, some of a few numbers, none of them a multiple of anything.
fn leaf(number: usize, precision: GradientPrecision) -> Vec<Tensor<f32>> {
    let tensor = |i: u64, length: usize| {
        let mut drawn = normal([length], 3, Purpose::TEST, number as u64, i << 32);
        precision.round(drawn.as_mut_slice());
        drawn
    };
    vec![tensor(0, 200_003), tensor(1, 1), tensor(2, 7), tensor(3, 70_001)]
}

fn sums(leaves: std::ops::Range<usize>, precision: GradientPrecision) -> Sums<Vec<Tensor<f32>>> {
    let mut sums = Sums::default();
    for number in leaves {
        let join = |left: Vec<Tensor<f32>>, right: Vec<Tensor<f32>>| {
            let added = left.iter().zip(&right).map(|(left, right)| {
                let (a, b) = (left.as_slice(), right.as_slice());
                let mut sum = Tensor::from_fn(*left.shape(), |i| a[i] + b[i]);
                precision.round(sum.as_mut_slice());
                sum
            });
            Ok::<_, ()>(added.collect())
        };
        sums.add(Node::leaf(number), leaf(number, precision), join).unwrap();
    }
    sums
}

fn bits(tensors: &[Tensor<f32>]) -> Vec<u32> {
    tensors.iter().flat_map(Tensor::as_slice).map(|x| x.to_bits()).collect()
}

#[test]
fn sums_over_any_number_of_ranks_have_the_bits_of_the_tree() {
    const SHARDS: usize = 8;
    let sizes = [2, 3, 4, 8].map(|size| (size, GradientPrecision::F32));
    let halves = [2, 3].map(|size| (size, GradientPrecision::Bf16));
    for (size, precision) in sizes.into_iter().chain(halves) {
        let expected = bits(&sums(0..SHARDS, precision).total().unwrap());
        let summed = job(size, move |mut team| {
            let nodes = sums(leaves_of(team.rank(), size, SHARDS), precision).nodes;
            let again = sums(leaves_of(team.rank(), size, SHARDS), precision).nodes;
            // Two at a time; the ranks do not begin together.
            thread::sleep(Duration::from_millis(7 * team.rank() as u64));
            team.begin_sum(Bucket { shards: SHARDS, precision, nodes }).unwrap();
            team.begin_sum(Bucket { shards: SHARDS, precision, nodes: again }).unwrap();
            let first = bits(&team.finish_sum().unwrap());
            let second = bits(&team.finish_sum().unwrap());
            team.end().unwrap();
            assert_eq!(first, second);
            first
        });
        assert!(summed.iter().all(|sum| *sum == expected), "{size} ranks, {precision:?}");
    }
}

#[test]
fn bytes_reach_everybody_in_order() {
    let size = 4;
    let heard = job(size, move |mut team| {
        let rank = team.rank();
        // Empty, small, and larger than a message.
        let gathered: Vec<_> =
            [0, 5, 700_000].map(|length| team.gather(vec![rank as u8; length * rank]).unwrap()).into();
        let told: Vec<_> =
            (0..3u8).map(|i| team.broadcast(vec![10 * i + rank as u8; 300_000]).unwrap()).collect();
        let on_first = team.gather_on_first(vec![rank as u8; 300_000 * rank]).unwrap();
        team.end().unwrap();
        (gathered, told, on_first)
    });
    for (rank, (gathered, told, on_first)) in heard.into_iter().enumerate() {
        let there = if rank == 0 { size } else { 0 };
        assert!(on_first == (0..there).map(|rank| vec![rank as u8; 300_000 * rank]).collect::<Vec<_>>());
        for (bytes, length) in gathered.iter().zip([0, 5, 700_000]) {
            let expected: Vec<Vec<u8>> = (0..size).map(|rank| vec![rank as u8; length * rank]).collect();
            assert!(*bytes == expected);
        }
        assert!(told == (0..3u8).map(|i| vec![10 * i; 300_000]).collect::<Vec<_>>());
    }
}

#[test]
fn an_error_of_one_ends_all_with_its_words() {
    let ended = job(3, |mut team| match team.rank() {
        1 => {
            team.fail("the disk is full");
            None
        }
        _ => team.gather(vec![1]).and_then(|_| team.gather(vec![1])).err(),
    });
    for (rank, error) in ended.into_iter().enumerate().filter(|(rank, _)| *rank != 1) {
        let expected = ClusterError::Failed { rank: 1, error: "the disk is full".to_string() };
        assert_eq!(error, Some(expected), "rank {rank}");
    }
}

#[test]
fn a_rank_that_leaves_without_a_word_is_named() {
    let ended = job(3, |mut team| match team.rank() {
        2 => None,
        _ => team.gather(vec![1]).and_then(|_| team.gather(vec![1])).err(),
    });
    for error in &ended[..2] {
        assert!(matches!(error, Some(ClusterError::Failed { rank: 2, .. })), "{error:?}");
    }
}

/// What the ranks of a job say that cannot begin.
fn refused(ranks: Vec<Ranks>) -> Vec<String> {
    let began = Instant::now();
    let ranks: Vec<_> = ranks.into_iter().map(|ranks| thread::spawn(move || ranks.join())).collect();
    let errors = ranks.into_iter().map(|rank| rank.join().unwrap().unwrap_err().to_string()).collect();
    assert!(began.elapsed() < Duration::from_secs(15));
    errors
}

#[test]
fn ranks_that_do_not_fit_are_told_by_rank_0() {
    let place = master();
    for (odd, expected) in [
        (Ranks { size: 3, ..rank(1, 2, &place) }, "rank 1 is one of 3, rank 0 one of 2"),
        (rank(2, 2, &place), "there is a rank 2 of 2"),
    ] {
        let errors = refused(vec![rank(0, 2, &place), odd]);
        for error in &errors {
            assert!(error.starts_with(expected), "{error}");
        }
    }
    let twins = refused(vec![rank(0, 4, &place), rank(1, 4, &place), rank(1, 4, &place)]);
    assert!(twins.iter().all(|error| error.starts_with("there are two ranks 1, ")), "{twins:?}");
}

#[test]
fn ranks_that_do_not_come_are_named() {
    let place = master();
    let short = |number| Ranks { join_timeout: Duration::from_millis(600), ..rank(number, 4, &place) };
    let errors = refused(vec![short(0), short(2)]);
    for error in errors {
        assert!(error.starts_with("ranks 1, 3 have not come in 0 s, "), "{error}");
    }
    let stranger = Ranks { secret: Secret::new(b"another"), ..short(1) };
    let errors = refused(vec![short(0), stranger]);
    assert!(errors[0].contains("one that knocked has another secret"), "{errors:?}");
    assert!(errors[1].contains("different secrets"), "{errors:?}");
}

#[test]
fn a_job_that_is_content_with_fewer_numbers_them_anew() {
    let place = master();
    let ranks: Vec<_> = [0, 3, 1]
        .into_iter()
        .map(|number| Ranks { enough: 2, join_timeout: Duration::from_secs(1), ..rank(number, 4, &place) })
        .map(|ranks| thread::spawn(move || ranks.join().map(|joined| (joined.rank(), joined.size()))))
        .collect();
    let numbers: Vec<_> = ranks.into_iter().map(|rank| rank.join().unwrap().unwrap()).collect();
    assert_eq!(numbers, [(0, 3), (2, 3), (1, 3)]);
}

#[test]
fn a_master_that_is_nowhere_is_said() {
    let error =
        Ranks { master: "no such host:1".to_string(), ..rank(1, 2, "") }.join().unwrap_err().to_string();
    assert!(error.starts_with("the host of rank 0 is not known ("), "{error}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = rank(0, 2, &taken.local_addr().unwrap().to_string()).join().unwrap_err().to_string();
    assert!(error.starts_with("cannot listen (address already in use), --master 127.0.0.1:"), "{error}");
}
