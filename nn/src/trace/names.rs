//! What dotted names tell of where a layer is.

/// The layer of a parameter: its name without the last part.
pub(super) fn layer(parameter: &str) -> &str {
    parameter.rsplit_once('.').map_or(parameter, |(layer, _)| layer)
}

/// The block of a layer: the first part of its name, with the second if that is a number.
pub(super) fn block(name: &str) -> String {
    let mut parts = name.split('.');
    let first = parts.next().unwrap_or_default();
    match parts.next().filter(|part| is_number(part)) {
        Some(number) => format!("{first}.{number}"),
        None => first.to_string(),
    }
}

/// The part of the network between two layers: what their names have in common, without the name of a list that they are two
/// items of; where that is nothing, the block of the second.
pub(super) fn between(before: &str, after: &str) -> String {
    let common = before.split('.').zip(after.split('.')).take_while(|(a, b)| a == b).count();
    let parts: Vec<&str> = after.split('.').collect();
    let of_a_list = parts.get(common).is_some_and(|next| is_number(next));
    match common - usize::from(of_a_list && common > 0) {
        0 => block(after),
        kept => parts[..kept].join("."),
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_blocks_and_what_lies_between_layers() {
        assert_eq!(layer("down_blocks.0.resnets.1.conv1.weight"), "down_blocks.0.resnets.1.conv1");
        assert_eq!(layer("weight"), "weight");
        assert_eq!(block("down_blocks.0.resnets.1.conv1"), "down_blocks.0");
        assert_eq!(block("mid_block.resnets.0.conv1"), "mid_block");
        assert_eq!(block("conv_in"), "conv_in");
        let attention = "down_blocks.1.attentions.0";
        assert_eq!(between(&format!("{attention}.to_v"), &format!("{attention}.to_out.0")), attention);
        assert_eq!(between("up_blocks.0.resnets.0.conv2", "up_blocks.0.resnets.1.norm1"), "up_blocks.0");
        assert_eq!(between("mid_block.resnets.1.conv2", "up_blocks.0.resnets.0.norm1"), "up_blocks.0");
        assert_eq!(between("blocks.0.attn.qkv", "blocks.0.attn.proj"), "blocks.0.attn");
    }
}
