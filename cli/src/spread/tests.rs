use super::*;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;
use tweedie_tensor::Tensor;
use tweedie_train::cluster::{Ranks, Secret, Turn};

/// Runs a job of threads; what each rank returned.
fn job<T: Send + 'static>(size: usize, work: impl Fn(Team) -> T + Clone + Send + 'static) -> Vec<T> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let master = listener.local_addr().unwrap().to_string();
    drop(listener);
    let start = |rank: usize| {
        let ranks = Ranks {
            rank,
            size,
            enough: size,
            master: master.clone(),
            secret: Secret::new(b"of the test"),
            join_timeout: Duration::from_secs(20),
            peer_timeout: Duration::from_secs(10),
        };
        let work = work.clone();
        thread::spawn(move || work(ranks.join().unwrap().start().unwrap()))
    };
    let ranks: Vec<_> = (0..size).map(start).collect();
    ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
}

/// The numbers of the things of each part, in two pieces of work a part.
fn pieces(turn: Turn, n: usize, most: usize) -> impl Iterator<Item = Result<Option<Vec<usize>>>> {
    turn.ranges(n, most).flat_map(|part| [Ok(None), Ok(Some(part.collect()))])
}

#[test]
fn rank_0_has_all_results_in_order_and_no_other_has_any() {
    for (size, n, most) in [(1, 20, 3), (2, 20, 3), (3, 20, 3), (4, 3, 8)] {
        let had = job(size, move |mut team| {
            let work = pieces(Turn::among(&team), n, most);
            let had: Vec<Vec<usize>> =
                spread(&mut team, &Interrupt::of_test(false), work).map(Result::unwrap).collect();
            team.end().unwrap();
            had.concat()
        });
        assert!(had[0].iter().copied().eq(0..n), "{size} ranks: {:?}", had[0]);
        assert!(had[1..].iter().all(Vec::is_empty));
    }
}

#[test]
fn a_rank_goes_no_further_ahead_than_a_piece() {
    let done = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let (counted, begin) = (Arc::clone(&done), Arc::new(Barrier::new(2)));
    job(2, move |mut team| {
        begin.wait();
        let (own, other) = (team.rank(), 1 - team.rank());
        let counts = Arc::clone(&counted);
        let work = pieces(Turn::among(&team), 40, 1).inspect(move |_| {
            let mine = counts[own].fetch_add(1, Ordering::SeqCst);
            assert!(mine <= counts[other].load(Ordering::SeqCst) + 1);
            thread::sleep(Duration::from_millis(if own == 0 { 5 } else { 0 }));
        });
        assert!(spread(&mut team, &Interrupt::of_test(false), work).all(|result| result.is_ok()));
        team.end().unwrap();
    });
    assert_eq!(done.each_ref().map(|count| count.load(Ordering::SeqCst)), [40, 40]);
}

#[test]
fn an_interrupted_rank_ends_all() {
    let ended = job(3, |mut team| {
        let is_it = team.rank() == 2;
        let work =
            pieces(Turn::among(&team), 30, 1).enumerate().map(move |(i, piece)| match is_it && i == 7 {
                true => Err(Failure::Interrupted("enough".to_string())),
                false => piece,
            });
        let last = spread(&mut team, &Interrupt::of_test(false), work).find_map(Result::err);
        team.end().unwrap();
        last.map(|failure| failure.to_string())
    });
    assert!(ended.iter().all(|last| last.as_deref() == Some("interrupted: enough")), "{ended:?}");
}

#[test]
fn a_rank_without_work_ends_all_too() {
    let ended = job(3, |mut team| {
        let interrupt = Interrupt::of_test(team.rank() == 2);
        let work = pieces(Turn::among(&team), 2, 1);
        let last = spread(&mut team, &interrupt, work).find_map(Result::err);
        team.end().unwrap();
        last.map(|failure| failure.status())
    });
    assert_eq!(ended, [Some(130); 3]);
}

#[test]
fn what_travels_keeps_its_bits() {
    let numbers = [0.1f32, -0.0, f32::MIN_POSITIVE / 3.0, f32::INFINITY, f32::NAN, 1e30];
    let sent = (vec![7usize, usize::MAX], Tensor::from_slice([2, 3], &numbers).unwrap());
    let mut bytes = Vec::new();
    sent.pack(&mut bytes);
    let (came, tensor) = <(Vec<usize>, Tensor<f32>)>::unpack(&mut &bytes[..]).unwrap();
    let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    assert_eq!((came, tensor.dims()), (sent.0, &[2, 3][..]));
    assert_eq!(bits(tensor.as_slice()), bits(&numbers));
    // What was cut short is nothing.
    assert!((0..bytes.len()).all(|end| <(Vec<usize>, Tensor<f32>)>::unpack(&mut &bytes[..end]).is_none()));
}
