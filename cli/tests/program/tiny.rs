//! A network for tests that run the program.

/// A network that trains in milliseconds, in few steps.
pub(crate) const TINY: &[&str] = &[
    "--batch=8",
    "--image-size=8",
    "--set=model.block_out_channels=[8, 16]",
    "--set=model.layers_per_block=1",
    "--set=model.norm_num_groups=4",
    "--set=model.attn_norm_num_groups=4",
    "--set=model.attention_head_dim=8",
    "--set=sampling.guidance=1",
    "--set=train.grids=1",
    "--set=train.log_every=2",
];
