//! f32 products on one thread and on all, beside the crates `matrixmultiply` and `gemm`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use tweedie_benches::{PRODUCTS, numbers};
use tweedie_tensor::simd::peers::{self, Product};
use tweedie_tensor::simd::{Accumulate, MatRef, par_sgemm, sgemm};

fn one_thread([m, n, k]: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
    sgemm(MatRef::row_major(a, m, k), MatRef::row_major(b, k, n), c, n, Accumulate::Overwrite);
}

fn all_threads([m, n, k]: [usize; 3], a: &[f32], b: &[f32], c: &mut [f32]) {
    par_sgemm(MatRef::row_major(a, m, k), MatRef::row_major(b, k, n), c, n, Accumulate::Overwrite);
}

fn products(c: &mut Criterion) {
    let contenders: [(&str, Product); 5] = [
        ("tweedie", one_thread),
        ("tweedie, all threads", all_threads),
        ("gemm", peers::gemm),
        ("gemm, all threads", peers::gemm_parallel),
        ("matrixmultiply", peers::matrixmultiply),
    ];
    for [m, n, k] in PRODUCTS {
        let (a, b, mut out) = (numbers([m, k]), numbers([k, n]), numbers([m, n]));
        let mut group = c.benchmark_group(format!("product {m}x{n}x{k}"));
        group.throughput(Throughput::Elements(2 * (m * n * k) as u64)).sample_size(20);
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        for (name, product) in contenders {
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| product([m, n, k], a.as_slice(), b.as_slice(), out.as_mut_slice()));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
