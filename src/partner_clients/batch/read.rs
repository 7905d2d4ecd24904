//! Reading any number of partner clients.

use std::{collections::HashMap, mem};

use futures_util::{StreamExt, stream};

use super::{Errors, MAX_INPUTS, folded, key};
use crate::{
    client::Client,
    error::{Error, Result},
    generated::types,
    ids::{PartnerClientId, RecordKey},
    partner_clients::{
        PartnerClient,
        selection::{Selection, by_property, check_property, selects},
    },
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CONCURRENCY, CallOptions, settings},
    },
};

const MAX_INPUTS_WITH_HISTORY: usize = 50;

impl Client {
    /// Reads any number of partner clients, a hundred to a request. Returns one outcome for each id, in the order
    /// given: the partner client, or an error, such as [`Error::is_not_found`] if there is none.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) {
    /// let outcomes = client
    ///     .batch_read(["512", "513"])
    ///     .properties(["name"])
    ///     .send()
    ///     .await;
    /// for outcome in outcomes {
    ///     match outcome {
    ///         Ok(found) => println!("{}", found.id),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn batch_read<I: Into<RecordKey>>(&self, ids: impl IntoIterator<Item = I>) -> BatchRead {
        BatchRead {
            client: self.clone(),
            ids: ids.into_iter().map(Into::into).collect(),
            id_property: None,
            archived: false,
            selection: Selection::default(),
            concurrency: CONCURRENCY,
            options: CallOptions::default(),
        }
    }
}

/// Call that reads any number of partner clients; see [`Client::batch_read`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `send`"]
pub struct BatchRead {
    client: Client,
    ids: Vec<RecordKey>,
    id_property: Option<String>,
    archived: bool,
    selection: Selection,
    concurrency: usize,
    options: CallOptions,
}

selects!(BatchRead);
settings!(BatchRead, options);

by_property!(BatchRead);

impl BatchRead {
    /// Reads archived partner clients instead.
    pub fn archived(mut self) -> Self {
        self.archived = true;
        self
    }

    /// Sets how many requests are in flight at once; the default is 4. With 0, every outcome is an error with
    /// [`Error::is_invalid_input`], and nothing is sent.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = self.options.concurrency(requests);
        self
    }

    /// Reads the partner clients. Returns one outcome for each id, in their order. If a request fails, its error is the
    /// outcome of each of its own ids.
    ///
    /// Where you find partner clients by a property and select none, and HubSpot's default set lacks it, each request takes a
    /// second one for that property.
    pub async fn send(mut self) -> Vec<Result<PartnerClient>> {
        if let (Some(name), false) = (&self.id_property, self.selection.properties.is_empty()) {
            self.selection.properties.push(name.clone());
        }
        // Each id once, however often it was given.
        let ids: Vec<_> = self.ids.iter().map(|id| id.checked(self.id_property.as_deref())).collect();
        let mut wanted: Vec<&str> = ids.iter().flatten().map(PartnerClientId::as_str).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let most = if self.selection.history.is_empty() { MAX_INPUTS } else { MAX_INPUTS_WITH_HISTORY };
        let requests = wanted.chunks(most).map(|ids| self.request(ids)).collect::<Vec<_>>();
        let outcomes: HashMap<String, Result<PartnerClient>> =
            stream::iter(requests).buffer_unordered(self.concurrency).flat_map(stream::iter).collect().await;
        let outcome = |id: &Result<PartnerClientId>| match id {
            Ok(id) => outcomes.get(id.as_str()).cloned().unwrap_or_else(|| Err(Error::no_outcome())),
            Err(error) => Err(error.clone()),
        };
        ids.iter().map(outcome).collect()
    }

    /// One request, and what became of each of its ids.
    async fn request(&self, ids: &[&str]) -> Vec<(String, Result<PartnerClient>)> {
        let id_property = self.id_property.as_deref();
        let (mut response, meta) = match self.exchange(ids, id_property, &self.selection).await {
            Ok(answered) => answered,
            Err(error) => return ids.iter().map(|id| ((*id).to_owned(), Err(error.clone()))).collect(),
        };
        let mut found = HashMap::<String, PartnerClient>::new();
        let mut silent = Vec::new();
        for object in mem::take(&mut response.results).into_iter().map(PartnerClient::from) {
            match key(&object, id_property) {
                Some(key) => drop(found.insert(key.to_owned(), object)),
                None => silent.push(object),
            }
        }
        let mut unread = None;
        if let Some(name) = id_property.filter(|_| self.selection.properties.is_empty() && !silent.is_empty()) {
            match self.values(name, &silent).await {
                Ok(mut values) => {
                    let told = silent.into_iter().filter_map(|object| Some((values.remove(&object.id)?, object)));
                    found.extend(told);
                }
                Err(error) => unread = Some(error),
            }
        }
        let in_any_case = |id: &str| {
            let wanted = folded(id);
            let mut same = found.iter().filter(|(key, _)| id_property.is_some() && folded(key) == wanted);
            same.next().filter(|_| same.next().is_none()).map(|(_, object)| object)
        };
        let of = |id: &str| found.get(id).or_else(|| in_any_case(id)).cloned();
        let open = ids.iter().filter(|id| of(id).is_none()).count();
        let errors = Errors::new("batch_read", &response, &meta, open);
        let outcome = |id: &str| match (of(id), errors.naming(id, None)) {
            (Some(object), None) => Ok(object),
            (Some(object), _) if found.contains_key(id) => Ok(object),
            (_, Some(error)) => Err(error),
            (None, None) => Err(match (errors.naming_in_any_case(id), &unread) {
                (Some(error), _) => error,
                // It may be among those that do not say what they were found by.
                (None, Some(error)) => error.clone(),
                (None, None) => errors.of(id, None),
            }),
        };
        ids.iter().map(|id| ((*id).to_owned(), outcome(id))).collect()
    }

    /// The values of a property, by record id: HubSpot's default set, which a request without properties is answered with,
    /// may lack it.
    async fn values(&self, name: &str, objects: &[PartnerClient]) -> Result<HashMap<String, String>> {
        let ids: Vec<_> = objects.iter().map(|object| object.id.as_str()).collect();
        let selection = Selection { properties: vec![name.to_owned()], ..Selection::default() };
        let (response, _) = self.exchange(&ids, None, &selection).await?;
        let objects = response.results.into_iter().map(PartnerClient::from);
        Ok(objects.filter_map(|object| Some((object.id.clone(), object.property(name)?.to_owned()))).collect())
    }

    async fn exchange(
        &self,
        ids: &[&str],
        id_property: Option<&str>,
        selection: &Selection,
    ) -> Result<(types::BatchResponseSimplePublicObjectWithErrors, CallMeta)> {
        selection.check()?;
        id_property.map_or(Ok(()), check_property)?;
        let input = |id: &&str| types::SimplePublicObjectId::builder().id(*id).try_into();
        let body = types::BatchReadInputSimplePublicObjectId::builder()
            .id_property(id_property.map(str::to_owned))
            .inputs(ids.iter().map(input).collect::<std::result::Result<Vec<_>, _>>()?)
            .properties(selection.properties.clone())
            .properties_with_history(selection.history.clone());
        let archived = self.archived;
        transport::call(self.client.raw.clone(), self.options.clone(), "batch_read", |raw| async move {
            let request = raw.batch_read().body(body);
            if archived { request.archived(true).send().await } else { request.send().await }
        })
        .await
    }
}
