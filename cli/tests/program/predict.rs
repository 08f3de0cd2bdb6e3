use crate::run::{json, tensor_x, workshop, write_x};
use tweedie_tensor::Tensor;

#[test]
fn one_time_and_class_for_all_or_one_each() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let at = |name: &str| out.path().join(name);
    let text = |name: &str| at(name).display().to_string();
    write_x(at("x"), &Tensor::from_fn([2, 1, 8, 8], |i| (i % 17) as f32 / 8.0 - 1.0));

    let predict = |times: &str, class: &str, raw: &str| {
        json(
            folder,
            &[
                "predict",
                "model",
                "--noise",
                &text("x"),
                "--timesteps",
                times,
                "--class",
                class,
                "--raw",
                &text(raw),
            ],
        )
    };
    let said = predict("5,900", "3,1", "each");
    assert_eq!((&said["shape"], &said["out"]), (&serde_json::json!([2, 1, 8, 8]), &text("each").into()));
    let y = tensor_x(at("each"));
    let mean = y.as_slice().iter().copied().map(f64::from).sum::<f64>() / y.numel() as f64;
    assert_eq!(said["mean"].as_f64(), Some(mean));
    predict("5", "3", "first");
    predict("900", "1", "second");
    assert_eq!(tensor_x(at("first")).as_slice()[..64], y.as_slice()[..64]);
    assert_eq!(tensor_x(at("second")).as_slice()[64..], y.as_slice()[64..]);
    assert_ne!(y.as_slice()[..64], y.as_slice()[64..]);
}
