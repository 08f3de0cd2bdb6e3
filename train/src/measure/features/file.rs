use super::trained::TrainedClassifier;
use crate::cluster::Team;
use crate::run::{told, told_tensor};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;
use tweedie_nn::weights::{self, WeightFile};
use tweedie_nn::{Builder, Classifier, ClassifierConfig, Params, Spec};

/// What marks a file as one of these.
const FORMAT: &str = "tweedie-classifier-1";

impl TrainedClassifier {
    /// Writes it as safetensors, whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let metadata = self.metadata();
        let metadata =
            metadata.map_err(|error| Error::model(error.to_string(), path, "report it with the command"))?;
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
        let read = TrainedClassifier::of(file.metadata(), |specs| Ok(weights::load(&file, specs)?))?;
        read.ok_or_else(|| damaged(path))
    }

    /// All of it but its weights.
    fn metadata(&self) -> serde_json::Result<BTreeMap<String, String>> {
        Ok(BTreeMap::from([
            ("format".to_string(), FORMAT.to_string()),
            ("config".to_string(), serde_json::to_string(self.network.config())?),
            ("classes".to_string(), serde_json::to_string(&self.classes)?),
            ("shape".to_string(), serde_json::to_string(&self.shape)?),
            ("accuracy".to_string(), serde_json::to_string(&self.accuracy)?),
            ("data".to_string(), self.data.clone()),
        ]))
    }

    /// The classifier that has this metadata, and these weights; none where the metadata make no sense.
    fn of(
        metadata: &BTreeMap<String, String>,
        params: impl FnOnce(&[Spec]) -> Result<Params<f32>>,
    ) -> Result<Option<TrainedClassifier>> {
        let fields = || -> Option<(ClassifierConfig, Vec<String>, [usize; 3], f64)> {
            let config: ClassifierConfig = field(metadata, "config")?;
            let (classes, shape): (Vec<String>, [usize; 3]) =
                (field(metadata, "classes")?, field(metadata, "shape")?);
            let fits = config.classes == classes.len() && config.in_channels == shape[0];
            fits.then_some((config, classes, shape, field(metadata, "accuracy")?))
        };
        let Some((config, classes, shape, accuracy)) = fields() else { return Ok(None) };
        let builder = Builder::new();
        let network = Classifier::new(&config, &builder)?;
        let params = params(&builder.specs())?;
        let data = metadata.get("data").cloned().unwrap_or_default();
        Ok(Some(TrainedClassifier { network, params, shape, classes, accuracy, data }))
    }

    /// Rank 0's classifier, on all ranks.
    ///
    /// # Errors
    /// A rank that is lost or has failed.
    pub fn told(team: &mut Team, own: Option<TrainedClassifier>) -> Result<TrainedClassifier> {
        let fault = || {
            let remedy = "please report it with the command";
            Error::config("a classifier that rank 0 does not have", "what a rank has sent", remedy)
        };
        let metadata = own.as_ref().and_then(|own| own.metadata().ok());
        let metadata = told(team, metadata)?.ok_or_else(fault)?;
        if let Some(own) = own {
            for (_, value) in own.params.iter() {
                told_tensor(team, Some(value), *value.shape())?;
            }
            return Ok(own);
        }
        let params = |specs: &[Spec]| {
            let values = specs.iter().map(|spec| told_tensor(team, None, spec.shape));
            let values = values.collect::<Result<Vec<_>>>()?;
            Ok(Params::from_specs(specs, |i, _| values[i].clone()))
        };
        TrainedClassifier::of(&metadata, params)?.ok_or_else(fault)
    }
}

fn field<V: serde::de::DeserializeOwned>(metadata: &BTreeMap<String, String>, name: &str) -> Option<V> {
    serde_json::from_str(metadata.get(name)?).ok()
}

fn damaged(path: &Path) -> Error {
    Error::model("the classifier's header is damaged", path, "remove the file, and it is trained again")
}
