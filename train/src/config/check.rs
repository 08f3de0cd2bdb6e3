//! Values that no run can use.

use super::root::Config;
use super::training::check_shards;
use crate::{Error, Result};

impl Config {
    /// Refuses values that no run can use, and a run that nothing ends, naming the key.
    ///
    /// # Errors
    /// [`Error::User`](crate::Error::User).
    pub fn check(&self) -> Result<()> {
        self.check_values()?;
        if self.train.steps.is_none() && self.train.time_budget.is_none() {
            let remedy = "give --steps N or --time-budget 10m";
            return Err(Error::config("nothing ends the run", "train.steps", remedy));
        }
        Ok(())
    }

    /// Refuses values that no step can use, naming the key.
    ///
    /// # Errors
    /// [`Error::User`].
    pub fn check_values(&self) -> Result<()> {
        let refuse = |bad: bool, key: &str, what: String, remedy: &str| {
            if bad { Err(Error::config(what, key.to_string(), remedy)) } else { Ok(()) }
        };
        let (train, optimizer, sampling) = (&self.train, &self.optimizer, &self.sampling);
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let share = |x: f64| (0.0..=1.0).contains(&x);
        self.diffusion.loss().check()?;
        let last = self.diffusion.schedule()?;
        let last = last.level(last.num_timesteps() - 1);
        refuse(
            !self.diffusion.prediction.determines_x0(last),
            "diffusion.prediction",
            format!(
                "a prediction of {} says nothing about the picture where no signal is left, as at this schedule's end",
                self.diffusion.prediction
            ),
            "predict v_prediction or sample, or leave zero_terminal_snr off",
        )?;
        refuse(
            self.data.flips && self.data.source == "scenes",
            "data.flips",
            "mirrored scenes do not show what their captions say".into(),
            "leave it off",
        )?;
        refuse(train.batch == 0, "train.batch", "a batch of 0 pictures".into(), "give at least 1")?;
        check_shards(train.batch, train.shards)?;
        refuse(train.steps == Some(0), "train.steps", "0 steps".into(), "give at least 1")?;
        refuse(
            train.time_budget.is_some_and(|seconds| !positive(seconds)),
            "train.time_budget",
            format!("a budget of {} seconds", train.time_budget.unwrap_or(0.0)),
            "give more than 0",
        )?;
        for (key, value) in [
            ("train.decay_share", train.decay_share),
            ("train.label_dropout", train.label_dropout),
            ("train.ema_decay", train.ema_decay),
            ("sampling.eta", sampling.eta),
            ("sampling.guidance_rescale", sampling.guidance_rescale),
            ("sampling.threshold", sampling.threshold),
        ] {
            refuse(!share(value), key, format!("{value} is not a share"), "give a number from 0 to 1")?;
        }
        for (key, value) in
            [("optimizer.learning_rate", optimizer.learning_rate), ("optimizer.clip", optimizer.clip)]
        {
            refuse(!positive(value), key, format!("{value} is not above 0"), "give a positive number")?;
        }
        for (key, value) in
            [("train.checkpoint_every", train.checkpoint_every), ("train.log_every", train.log_every)]
        {
            refuse(value == 0, key, "every 0 steps".into(), "give at least 1")?;
        }
        refuse(
            !(0.0..1.0).contains(&self.data.hold_out),
            "data.hold_out",
            format!("{} leaves nothing to learn from, or is no share", self.data.hold_out),
            "give a number from 0 to below 1",
        )?;
        refuse(
            !(sampling.churn >= 0.0 && sampling.churn.is_finite()),
            "sampling.churn",
            format!("{} is no amount of noise", sampling.churn),
            "give 0 or more",
        )?;
        refuse(
            !sampling.guidance.is_finite(),
            "sampling.guidance",
            format!("{} is no weight", sampling.guidance),
            "give a number",
        )?;
        refuse(
            !(train.roll_back_factor > 0.0 && train.roll_back_factor < 1.0),
            "train.roll_back_factor",
            format!("{} lowers no learning rate", train.roll_back_factor),
            "give a number between 0 and 1",
        )?;
        refuse(train.keep == 0, "train.keep", "no checkpoint would stay".into(), "give at least 1")?;
        refuse(
            optimizer.decay_start.is_some_and(|start| train.steps.is_none_or(|steps| start > steps)),
            "optimizer.decay_start",
            "the decay begins after the last step".into(),
            "give train.steps, and a start no later",
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_diffusion::PredictionKind;

    #[test]
    fn noise_is_not_predicted_where_there_is_nothing_else() {
        let mut config = Config::preset("small").unwrap();
        config.train.steps = Some(1);
        config.check().unwrap();
        config.diffusion.zero_terminal_snr = true;
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("diffusion.prediction") && error.contains('ε'), "{error}");
        config.diffusion.prediction = PredictionKind::V;
        config.check().unwrap();
    }

    #[test]
    fn a_run_that_nothing_ends_is_refused() {
        assert!(Config::default().check().unwrap_err().to_string().contains("train.steps"));
    }
}
