//! Memory is back at its start after a backward pass. One test in a process of its own: the pool's count is
//! the process's.

use tweedie_autograd::{Tape, Var};
use tweedie_tensor::{Tensor, pool_stats};

#[test]
fn saved_tensors_die_with_the_backward_pass_and_the_second_step_allocates_nothing() {
    let weight = Tensor::<f32>::full([64, 64], 0.01);
    let input = Tensor::<f32>::full([128, 64], 0.5);
    let start = pool_stats().in_use;
    let step = || {
        let tape = Tape::new();
        let w = tape.leaf(weight.clone());
        let mut x = Var::constant(input.clone());
        for _ in 0..8 {
            x = x.mul(w.clone().sum_axis_keepdim(0).unwrap()).unwrap().silu().unwrap();
        }
        let gradients = x.square().unwrap().sum().unwrap().backward().unwrap();
        assert_eq!(gradients.wrt(&w).unwrap().dims(), [64, 64]);
        // The tape and `w` are still here: what backward read is already free.
        let activation = input.numel() * size_of::<f32>();
        assert!(pool_stats().in_use - start < 2 * activation, "{}", pool_stats().in_use - start);
    };
    step();
    assert_eq!(pool_stats().in_use, start);
    let allocated = pool_stats().allocated;
    step();
    assert_eq!(pool_stats().in_use, start);
    assert_eq!(pool_stats().allocated, allocated);
}
