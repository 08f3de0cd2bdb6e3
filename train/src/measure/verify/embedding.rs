use tweedie_diffusion::verify::Row;
use tweedie_nn::layers::Sinusoid;
use tweedie_tensor::Tensor;

/// The sinusoidal embedding of t = 1 in eight numbers, in both conventions, against its definition.
pub fn embedding_rows() -> Vec<Row> {
    let conventions = [
        ("DDPM's", Sinusoid::ddpm(8), f64::sin as fn(f64) -> f64, f64::cos as fn(f64) -> f64, 3.0),
        ("the transformer's", Sinusoid::transformer(8), f64::cos, f64::sin, 4.0),
    ];
    let mut rows = Vec::new();
    for (name, sinusoid, first, second, periods) in conventions {
        let embedding: Tensor<f64> = sinusoid.embed(&[1.0]);
        for (i, &actual) in embedding.as_slice().iter().enumerate() {
            let wave = if i < 4 { first } else { second };
            let expected = wave(10_000f64.powf(-((i % 4) as f64) / periods));
            rows.push(Row::new(
                format!("{name} embedding of t = 1 in 8, place {}", i + 1),
                expected,
                actual,
                1e-12,
            ));
        }
    }
    rows
}
