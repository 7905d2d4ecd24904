//! The outcomes of a finished job, read batch by batch.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::{
    Job,
    batch::{errors_from_json, inputs_from_json},
    status::JobStatus,
};
use crate::{
    association::Association,
    associations::bulk::Outcome,
    error::{Error, Result},
};

impl Job {
    /// Streams the outcome of each input, in the order of the inputs.
    ///
    /// # Errors
    /// The stream starts with an error if not all inputs have an outcome. If Redis has lost a part of the job, the
    /// stream ends with an error after the outcomes before that part. Otherwise the same as for
    /// [`status`](Self::status).
    pub fn outcomes(&self) -> impl Stream<Item = Result<Outcome>> + Send + Unpin + 'static {
        let batches = stream::try_unfold((self.clone(), None), |(job, position)| async move {
            let mut position = match position {
                Some(position) => position,
                None => job.begin_to_read().await?,
            };
            let outcomes = job.read(&mut position).await?;
            Ok::<_, Error>(outcomes.map(|outcomes| (stream::iter(outcomes.into_iter().map(Ok)), (job, Some(position)))))
        });
        batches.try_flatten().boxed()
    }

    /// The outcomes of the next batch.
    async fn read(&self, position: &mut Position) -> Result<Option<Vec<Outcome>>> {
        let Position { id, after, batch, batches, index } = position;
        if batch == batches {
            return Ok(None);
        }
        let lacks = |key, what| {
            let trouble = format!("the key {key} lacks {what} {} of {batches}", *batch + 1);
            Err(self.damaged(&trouble))
        };
        let kept = self.store.read(id, after).await?;
        let Some(kept) = kept.filter(|kept| kept.number == *batch) else {
            return lacks(self.store.batches_key(), "batch");
        };
        if kept.outcomes.is_empty() {
            return lacks(self.store.outcomes_key(), "the outcomes of batch");
        }
        let inputs = inputs_from_json(&kept.inputs).map_err(|error| self.damaged(&error))?;
        let mut errors = errors_from_json(&kept.outcomes).map_err(|error| self.damaged(&error))?;
        let outcome = |(place, association): (usize, Result<Association>)| Outcome {
            index: *index + place as u64,
            association: association.ok(),
            value: (),
            result: errors.remove(&place).map_or(Ok(()), Err),
            replayed: false,
        };
        let outcomes: Vec<_> = inputs.into_iter().enumerate().map(outcome).collect();
        *index += outcomes.len() as u64;
        *batch += 1;
        *after = kept.entry;
        Ok(Some(outcomes))
    }

    async fn begin_to_read(&self) -> Result<Position> {
        let fields = self.store.status().await?;
        let status = JobStatus::read(&fields).map_err(|trouble| self.damaged(&trouble))?;
        let (Some(id), Some(batches)) = (fields.get(3), fields.get(8)) else {
            return Err(self.damaged(&"its status is incomplete"));
        };
        self.store.check_format(fields.last().map(String::as_str).unwrap_or_default())?;
        if !status.is_finished {
            let reason = format!("is not finished ({} of {} inputs are settled)", status.settled(), status.enqueued);
            let remedy = "wait until its workers have ended";
            return Err(Error::invalid_input("job", Some(&self.store.name), reason, remedy));
        }
        let batches = batches.parse().map_err(|error| self.damaged(&error))?;
        Ok(Position { id: id.clone(), after: "-".to_owned(), batch: 0, batches, index: 0 })
    }
}

/// Where the outcomes were read to.
struct Position {
    id: String,
    /// The entry before.
    after: String,
    /// The number of the next batch.
    batch: u64,
    /// How many there are.
    batches: u64,
    /// The index of the next outcome.
    index: u64,
}
