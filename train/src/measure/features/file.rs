use super::trained::TrainedClassifier;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;
use tweedie_nn::weights::{self, WeightFile};
use tweedie_nn::{Builder, Classifier, ClassifierConfig};

/// What marks a file as one of these.
const FORMAT: &str = "tweedie-classifier-1";

impl TrainedClassifier {
    /// Writes it as safetensors, whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let json = |value: serde_json::Result<String>| {
            value.map_err(|error| Error::model(error.to_string(), path, "report it with the command"))
        };
        let metadata = BTreeMap::from([
            ("format".to_string(), FORMAT.to_string()),
            ("config".to_string(), json(serde_json::to_string(self.network.config()))?),
            ("classes".to_string(), json(serde_json::to_string(&self.classes))?),
            ("shape".to_string(), json(serde_json::to_string(&self.shape))?),
            ("accuracy".to_string(), json(serde_json::to_string(&self.accuracy))?),
            ("data".to_string(), self.data.clone()),
        ]);
        Ok(weights::save(path, &self.params, &metadata)?)
    }

    /// Opens what [`TrainedClassifier::save`] wrote.
    ///
    /// # Errors
    /// A file that cannot be read, is something else, or is damaged.
    pub fn open(path: &Path) -> Result<TrainedClassifier> {
        let file = WeightFile::read(path)?;
        if file.metadata().get("format").map(String::as_str) != Some(FORMAT) {
            return Err(Error::model(
                "not a classifier of this program",
                path,
                "give another name, and one is trained and written there",
            ));
        }
        let config: ClassifierConfig = field(&file, "config")?;
        let classes: Vec<String> = field(&file, "classes")?;
        let shape: [usize; 3] = field(&file, "shape")?;
        if config.classes != classes.len() || config.in_channels != shape[0] {
            return Err(damaged(path));
        }
        let builder = Builder::new();
        let network = Classifier::new(&config, &builder)?;
        Ok(TrainedClassifier {
            params: weights::load(&file, &builder.specs())?,
            network,
            shape,
            classes,
            accuracy: field(&file, "accuracy")?,
            data: file.metadata().get("data").cloned().unwrap_or_default(),
        })
    }
}

fn field<V: serde::de::DeserializeOwned>(file: &WeightFile, name: &str) -> Result<V> {
    let text = file.metadata().get(name);
    text.and_then(|text| serde_json::from_str(text).ok()).ok_or_else(|| damaged(file.path()))
}

fn damaged(path: &Path) -> Error {
    Error::model("the classifier's header is damaged", path, "remove the file, and it is trained again")
}
