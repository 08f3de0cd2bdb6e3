use crate::caption::CaptionConfig;
use crate::config::{SampleSize, refuse};
use crate::{MlpConfig, Result, TransformerConfig, UNetConfig};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The shape of a [`Network`](super::Network): what maps pictures to pictures, and what reads captions for it.
///
/// In a file it is the table of a [`UNetConfig`], [`TransformerConfig`] or [`MlpConfig`] with two more keys: `architecture`, `unet`
/// where it is missing, and `caption`, the table of a [`CaptionConfig`].
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkConfig {
    /// What maps pictures to pictures.
    pub backbone: Backbone,
    /// What reads captions; none for a network without.
    pub caption: Option<CaptionConfig>,
}

/// The architectures.
#[expect(clippy::large_enum_variant, reason = "there are a handful of these in a program")]
#[derive(Debug, Clone, PartialEq)]
pub enum Backbone {
    /// `unet`.
    UNet(UNetConfig),
    /// `transformer`.
    Transformer(TransformerConfig),
    /// `mlp`.
    Mlp(MlpConfig),
}

impl Default for NetworkConfig {
    fn default() -> Self {
        UNetConfig::default().into()
    }
}

impl From<UNetConfig> for NetworkConfig {
    fn from(config: UNetConfig) -> Self {
        NetworkConfig { backbone: Backbone::UNet(config), caption: None }
    }
}

impl From<TransformerConfig> for NetworkConfig {
    fn from(config: TransformerConfig) -> Self {
        NetworkConfig { backbone: Backbone::Transformer(config), caption: None }
    }
}

impl From<MlpConfig> for NetworkConfig {
    fn from(config: MlpConfig) -> Self {
        NetworkConfig { backbone: Backbone::Mlp(config), caption: None }
    }
}

/// What every architecture's configuration has, by its name.
macro_rules! common {
    ($self:ident, $config:ident => $what:expr) => {
        match $self {
            Backbone::UNet($config) => $what,
            Backbone::Transformer($config) => $what,
            Backbone::Mlp($config) => $what,
        }
    };
}

impl Backbone {
    /// The name of the architecture.
    pub fn architecture(&self) -> &'static str {
        match self {
            Backbone::UNet(_) => "unet",
            Backbone::Transformer(_) => "transformer",
            Backbone::Mlp(_) => "mlp",
        }
    }

    /// Channels that come in.
    pub fn in_channels(&self) -> usize {
        common!(self, config => config.in_channels)
    }

    /// Channels that go out.
    pub fn out_channels(&self) -> usize {
        common!(self, config => config.out_channels)
    }

    /// Height and width that the model is meant for.
    pub fn sample_size(&self) -> Option<SampleSize> {
        common!(self, config => config.sample_size)
    }

    /// How many classes there are.
    pub fn num_class_embeds(&self) -> Option<usize> {
        common!(self, config => config.num_class_embeds)
    }

    /// What height and width must be multiples of.
    pub fn size_multiple(&self) -> usize {
        match self {
            Backbone::UNet(config) => config.size_multiple(),
            Backbone::Transformer(config) => config.patch_size,
            Backbone::Mlp(_) => 1,
        }
    }

    /// Fits it to pictures: channels in and out, and their size.
    pub fn set_pictures(&mut self, in_channels: usize, out_channels: usize, size: SampleSize) {
        common!(self, config => {
            (config.in_channels, config.out_channels) = (in_channels, out_channels);
            config.sample_size = Some(size);
        });
    }

    /// Fits it to a number of classes.
    pub fn set_classes(&mut self, classes: Option<usize>) {
        common!(self, config => config.num_class_embeds = classes);
    }
}

impl NetworkConfig {
    /// Refuses what no network can be built from, naming the key, its value and the rule.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn validate(&self) -> Result<()> {
        let backbone = &self.backbone;
        common!(backbone, config => config.validate()?);
        let context = match &self.backbone {
            Backbone::UNet(config) => config.cross_attention_dim,
            _ => None,
        };
        let Some(caption) = &self.caption else {
            return match context {
                Some(width) => {
                    refuse("cross_attention_dim", width, "needs captions, in a table named caption")
                }
                None => Ok(()),
            };
        };
        caption.validate()?;
        match (&self.backbone, context) {
            (Backbone::UNet(_), Some(width)) if width == caption.width => Ok(()),
            (Backbone::UNet(_), width) => {
                let width = width.map_or("none".to_string(), |width| width.to_string());
                refuse("cross_attention_dim", width, format!("must be caption.width, {}", caption.width))
            }
            (other, _) => {
                let why =
                    format!("is not supported with the {}; the unet reads captions", other.architecture());
                refuse("caption", "(a table)", why)
            }
        }
    }
}

const ARCHITECTURE: &str = "architecture";
const CAPTION: &str = "caption";

impl Serialize for NetworkConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = common_table(&self.backbone, self.caption.as_ref()).map_err(S::Error::custom)?;
        table.serialize(serializer)
    }
}

/// One table of all keys. Formats without null have none for what is not there.
fn common_table(
    backbone: &Backbone,
    caption: Option<&CaptionConfig>,
) -> serde_json::Result<Map<String, Value>> {
    let value = common!(backbone, config => serde_json::to_value(config))?;
    let mut table: Map<String, Value> = serde_json::from_value(value)?;
    table.retain(|_, value| !value.is_null());
    table.insert(ARCHITECTURE.to_string(), backbone.architecture().into());
    if let Some(caption) = caption {
        table.insert(CAPTION.to_string(), serde_json::to_value(caption)?);
    }
    Ok(table)
}

impl<'de> Deserialize<'de> for NetworkConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NetworkConfig, D::Error> {
        let mut table = Map::deserialize(deserializer)?;
        let caption =
            table.remove(CAPTION).map(serde_json::from_value).transpose().map_err(D::Error::custom)?;
        let architecture = table.remove(ARCHITECTURE).unwrap_or_else(|| "unet".into());
        let rest = Value::Object(table);
        let backbone = match architecture.as_str() {
            Some("unet") => serde_json::from_value(rest).map(Backbone::UNet),
            Some("transformer") => serde_json::from_value(rest).map(Backbone::Transformer),
            Some("mlp") => serde_json::from_value(rest).map(Backbone::Mlp),
            _ => {
                let text = format!(
                    "architecture = {architecture} is not supported; \"unet\", \"transformer\" or \"mlp\" would do"
                );
                return Err(D::Error::custom(text));
            }
        };
        Ok(NetworkConfig { backbone: backbone.map_err(D::Error::custom)?, caption })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn captioned() -> NetworkConfig {
        let unet = UNetConfig { cross_attention_dim: Some(64), ..UNetConfig::small() };
        NetworkConfig { caption: Some(CaptionConfig::default()), ..unet.into() }
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for config in [
            NetworkConfig::default(),
            UNetConfig::cifar().into(),
            TransformerConfig { num_class_embeds: Some(3), ..Default::default() }.into(),
            MlpConfig { depth: 1, ..MlpConfig::default() }.into(),
            captioned(),
        ] {
            let table = serde_json::to_value(&config).unwrap();
            assert_eq!(serde_json::from_value::<NetworkConfig>(table).unwrap(), config);
        }
    }

    #[test]
    fn a_table_without_architecture_is_a_unet() {
        let config: NetworkConfig = serde_json::from_value(json!({"layers_per_block": 7})).unwrap();
        assert!(matches!(config.backbone, Backbone::UNet(UNetConfig { layers_per_block: 7, .. })));
        let error = |table| serde_json::from_value::<NetworkConfig>(table).unwrap_err().to_string();
        assert!(error(json!({"architecture": "mamba"})).contains("architecture = \"mamba\""));
        assert!(
            error(json!({"architecture": "transformer", "layers_per_block": 1})).contains("layers_per_block")
        );
        assert!(error(json!({"caption": {"words": 1}})).contains("words"));
    }

    #[test]
    fn a_context_needs_captions_of_its_width() {
        captioned().validate().unwrap();
        let error = |change: fn(&mut NetworkConfig)| {
            let mut config = captioned();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(error(|c| c.caption = None).starts_with("cross_attention_dim = 64: needs captions"));
        assert!(
            error(|c| c.caption = Some(CaptionConfig { width: 32, ..Default::default() }))
                .contains("caption.width, 32")
        );
        assert!(
            error(|c| c.backbone = Backbone::Transformer(TransformerConfig::default()))
                .starts_with("caption = ")
        );
        assert!(
            error(|c| c.backbone = Backbone::UNet(UNetConfig::small()))
                .starts_with("cross_attention_dim = none")
        );
    }
}
