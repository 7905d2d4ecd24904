//! Updating any number of partner clients.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    mem,
};

use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::{Errors, MAX_INPUTS, folded, key};
use crate::{
    client::Client,
    error::{Error, Result},
    generated::types,
    ids::RecordKey,
    partner_clients::{
        PartnerClient,
        property_value::PropertyValue,
        selection::{by_property, check_property},
        update::Changes,
    },
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CONCURRENCY, CallOptions, settings},
    },
};

impl Client {
    /// Carries out any number of updates, a hundred to a request. Returns one outcome for each update, in the order
    /// given: the partner client, or an error.
    ///
    /// Updates of the same partner client are carried out one after the other. Needs the scope
    /// `crm.objects.partner-clients.write`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) {
    /// use hubspot_partner_clients::Update;
    ///
    /// let updates = [
    ///     Update::of("512").set("name", "Acme"),
    ///     Update::of("513").clear("domain"),
    /// ];
    /// let outcomes =
    ///     client.batch_update(updates).send().await;
    /// for outcome in outcomes {
    ///     if let Err(error) = outcome {
    ///         eprintln!("{error}");
    ///     }
    /// }
    /// # }
    /// ```
    pub fn batch_update(&self, updates: impl IntoIterator<Item = Update>) -> BatchUpdate {
        BatchUpdate {
            client: self.clone(),
            updates: updates.into_iter().collect(),
            id_property: None,
            concurrency: CONCURRENCY,
            options: CallOptions::default(),
        }
    }
}

/// Changes to one partner client in a [batch](Client::batch_update).
#[derive(Debug, Clone)]
pub struct Update {
    partner_client: RecordKey,
    changes: Changes,
}

impl Update {
    /// Starts an update without changes.
    pub fn of(partner_client: impl Into<RecordKey>) -> Self {
        Self { partner_client: partner_client.into(), changes: Changes::default() }
    }

    /// Sets a property.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<PropertyValue>) -> Self {
        self.changes.set(name.into(), value.into());
        self
    }

    /// Clears a property.
    #[must_use]
    pub fn clear(self, name: impl Into<String>) -> Self {
        self.set(name, "")
    }

    fn checked(&self, id_property: Option<&str>) -> Result<(String, BTreeMap<String, String>)> {
        let id = self.partner_client.checked(id_property)?;
        Ok((id.to_string(), self.changes.checked()?))
    }
}

/// Call that updates any number of partner clients; see [`Client::batch_update`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `send`"]
pub struct BatchUpdate {
    client: Client,
    updates: Vec<Update>,
    id_property: Option<String>,
    concurrency: usize,
    options: CallOptions,
}

settings!(BatchUpdate, options);

/// One update, ready to be sent, and its place in the order given.
struct Input {
    place: usize,
    id: String,
    properties: BTreeMap<String, String>,
    /// HubSpot repeats it in the result or the error that the input leads to.
    trace: String,
}

by_property!(BatchUpdate);

impl BatchUpdate {
    /// Sets how many requests are in flight at once; the default is 4. With 0, every outcome is an error with
    /// [`Error::is_invalid_input`], and nothing is sent.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = self.options.concurrency(requests);
        self
    }

    /// Carries out the updates. Returns one outcome for each update, in their order. If a request fails, its error is
    /// the outcome of each of its own updates.
    pub async fn send(self) -> Vec<Result<PartnerClient>> {
        let mut outcomes: Vec<Result<PartnerClient>> = Vec::with_capacity(self.updates.len());
        // HubSpot refuses an id that stands twice in a request, and the later update has to win. A value of a property may
        // be the same in any case.
        let same = |id: &str| if self.id_property.is_some() { folded(id) } else { id.to_owned() };
        let mut rounds: Vec<Vec<Input>> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (place, update) in self.updates.iter().enumerate() {
            outcomes.push(Err(Error::no_outcome()));
            match update.checked(self.id_property.as_deref()) {
                Ok((id, properties)) => {
                    let round = seen.entry(same(&id)).and_modify(|round| *round += 1).or_default();
                    let input = Input { place, id, properties, trace: Uuid::new_v4().to_string() };
                    match rounds.get_mut(*round) {
                        Some(round) => round.push(input),
                        None => rounds.push(vec![input]),
                    }
                }
                Err(error) => outcomes.set_at(place, Err(error)),
            }
        }
        for round in rounds {
            let requests = round.chunks(MAX_INPUTS).map(|inputs| self.request(inputs)).collect::<Vec<_>>();
            let mut settled = stream::iter(requests).buffer_unordered(self.concurrency);
            while let Some(outcome) = settled.next().await {
                for (place, outcome) in outcome {
                    outcomes.set_at(place, outcome);
                }
            }
        }
        outcomes
    }

    async fn request(&self, inputs: &[Input]) -> Vec<(usize, Result<PartnerClient>)> {
        let (mut response, meta) = match self.exchange(inputs).await {
            Ok(answered) => answered,
            Err(error) => {
                // A success that cannot be read says of no input that it failed.
                let error = if error.is_unread_success() { error.without_outcome() } else { error };
                return inputs.iter().map(|input| (input.place, Err(error.clone()))).collect();
            }
        };
        let traces: HashSet<&str> = inputs.iter().map(|input| input.trace.as_str()).collect();
        let mut by_trace = HashMap::new();
        let mut by_id = HashMap::new();
        let results = mem::take(&mut response.results);
        let is_complete = meta.is_complete(response.status.as_str());
        for object in results.into_iter().filter(|_| is_complete).map(PartnerClient::from) {
            match object.object_write_trace_id.as_deref().filter(|trace| traces.contains(trace)) {
                Some(trace) => drop(by_trace.insert(trace.to_owned(), object)),
                None => {
                    let id = key(&object, self.id_property.as_deref()).map(str::to_owned);
                    by_id.extend(id.map(|id| (id, object)));
                }
            }
        }
        let in_any_case = |id: &str| {
            let wanted = folded(id);
            let mut same = by_id.iter().filter(|(key, _)| self.id_property.is_some() && folded(key) == wanted);
            same.next().filter(|_| same.next().is_none()).map(|(_, object)| object)
        };
        let of = |input: &Input| {
            let exactly = by_trace.get(&input.trace).or_else(|| by_id.get(&input.id));
            exactly.or_else(|| in_any_case(&input.id))
        };
        let open = inputs.iter().filter(|input| of(input).is_none()).count();
        let errors = Errors::new("batch_update", &response, &meta, open);
        let outcome = |input: &Input| match (errors.naming(&input.id, Some(&input.trace)), of(input)) {
            (Some(error), _) => Err(error),
            (None, Some(object)) => Ok(object.clone()),
            (None, None) => {
                let named = self.id_property.as_ref().and_then(|_| errors.naming_in_any_case(&input.id));
                Err(named.unwrap_or_else(|| errors.of(&input.id, Some(&input.trace))))
            }
        };
        inputs.iter().map(|input| (input.place, outcome(input))).collect()
    }

    async fn exchange(&self, inputs: &[Input]) -> Result<(types::BatchResponseSimplePublicObjectWithErrors, CallMeta)> {
        self.id_property.as_deref().map_or(Ok(()), check_property)?;
        let input = |input: &Input| {
            types::SimplePublicObjectBatchInput::builder()
                .id(input.id.as_str())
                .id_property(self.id_property.clone())
                .object_write_trace_id(input.trace.clone())
                .properties(input.properties.clone())
                .try_into()
        };
        let body = types::BatchInputSimplePublicObjectBatchInput::builder()
            .inputs(inputs.iter().map(input).collect::<std::result::Result<Vec<_>, _>>()?);
        transport::call(self.client.raw.clone(), self.options.clone(), "batch_update", |raw| async move {
            raw.batch_update().body(body).send().await
        })
        .await
    }
}

trait Places<T> {
    fn set_at(&mut self, place: usize, value: T);
}

impl<T> Places<T> for Vec<T> {
    fn set_at(&mut self, place: usize, value: T) {
        if let Some(slot) = self.get_mut(place) {
            *slot = value;
        }
    }
}
