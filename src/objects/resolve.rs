//! Ids of objects, found by the values of their properties.

use std::collections::{BTreeMap, HashMap};

use super::{lookup::Lookup, resolved::Resolved};
use crate::{
    client::Client,
    error::{Error, Result},
    ids::{ObjectType, checked, damage},
    partner_clients::selection::check_property,
    transport::call_options::{CONCURRENCY, CallOptions, settings},
};

impl Client {
    /// Finds the ids of objects by what people know of them: each key is a property's internal name and a value, such as
    /// `("domain", "acme.example")` of a company or `("email", "ada@acme.example")` of a contact. Takes any number of
    /// keys, and objects of any type, partner clients included. Returns one outcome for each key, in the order given.
    ///
    /// A property whose values are unique, such as the e-mail address of a contact, is looked up in batches of a hundred;
    /// any other is searched for, a hundred values to a request as well, or fewer where many objects have them. HubSpot
    /// allows five searches a second, finds new data with some delay, and never finds archived objects. A search ignores
    /// case, as HubSpot does, and so do e-mail addresses. A contact is found by its additional e-mail addresses too, and a
    /// company by its additional domains. Each value is asked for once, however often it is given, and again only where an
    /// answer leaves it open; nothing is remembered for the next call.
    ///
    /// Needs the scope that reads objects of the type, such as `crm.objects.companies.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) {
    /// use hubspot_partner_clients::Resolved;
    ///
    /// let domains = ["acme.example", "globex.example"];
    /// let outcomes = client
    ///     .resolve("companies", domains.map(|domain| ("domain", domain)))
    ///     .send()
    ///     .await;
    /// for (domain, outcome) in domains.iter().zip(outcomes) {
    ///     match outcome {
    ///         Ok(Resolved::One(id)) => println!("{domain} is {id}"),
    ///         Ok(Resolved::None) => println!("no company has {domain}"),
    ///         Ok(Resolved::Several(ids)) => println!("{} companies have {domain}", ids.len()),
    ///         Ok(_) => {}
    ///         Err(error) => eprintln!("{domain} is unknown: {error}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn resolve<T, P, V>(&self, object_type: T, keys: impl IntoIterator<Item = (P, V)>) -> Resolve
    where
        T: TryInto<ObjectType, Error: Into<Error>>,
        P: Into<String>,
        V: Into<String>,
    {
        Resolve {
            client: self.clone(),
            object_type: checked(object_type),
            keys: keys.into_iter().map(|(property, value)| (property.into(), value.into())).collect(),
            concurrency: CONCURRENCY,
            options: CallOptions::default(),
        }
    }
}

/// Call that finds objects by the values of their properties; see [`Client::resolve`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `send`"]
pub struct Resolve {
    client: Client,
    object_type: Result<ObjectType>,
    keys: Vec<(String, String)>,
    concurrency: usize,
    options: CallOptions,
}

settings!(Resolve, options);

impl Resolve {
    /// Sets how many requests are in flight at once; the default is 4. With 0, every outcome is an error with
    /// [`Error::is_invalid_input`], and nothing is sent.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = self.options.concurrency(requests);
        self
    }

    /// Finds the objects. Returns one outcome for each key, in their order.
    ///
    /// # Errors
    /// An outcome is an error where nothing is known of the key:
    ///
    /// - [`Error::is_invalid_input`] for an object type, a property's name or a value that cannot be sent.
    /// - The error of the request, for every key in it. A property that HubSpot does not know is one with status 400, a
    ///   scope that the token lacks is [`Error::is_missing_scope`].
    /// - [`ErrorKind::NoOutcome`](crate::ErrorKind::NoOutcome) if HubSpot's answer cannot be attributed to the key, also
    ///   when the key is asked for alone. Nothing is guessed.
    pub async fn send(self) -> Vec<Result<Resolved>> {
        let keys: Vec<_> = self.keys.iter().map(|(property, value)| check(property, value)).collect();
        let object_type = match &self.object_type {
            Ok(object_type) => object_type,
            Err(error) => return keys.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut by_property = BTreeMap::<&str, Vec<&str>>::new();
        for (property, value) in keys.iter().flatten() {
            by_property.entry(property).or_default().push(value);
        }
        let mut found = HashMap::new();
        for (property, mut values) in by_property {
            values.sort_unstable();
            values.dedup();
            let lookup = Lookup {
                client: &self.client,
                object_type,
                property,
                options: &self.options,
                concurrency: self.concurrency,
            };
            found.insert(property, lookup.all(values).await);
        }
        let outcome = |key: &Result<(&str, String)>| {
            let (property, value) = key.as_ref().map_err(Error::clone)?;
            let outcome = found.get(property).and_then(|of_property| of_property.get(value.as_str()));
            outcome.cloned().unwrap_or_else(|| Err(Error::no_outcome()))
        };
        keys.iter().map(outcome).collect()
    }
}

/// A key as it is asked for: HubSpot keeps e-mail addresses in lower case.
fn check<'a>(property: &'a str, value: &str) -> Result<(&'a str, String)> {
    check_property(property)?;
    let value = value.trim();
    let refuse = |reason, remedy| {
        let field = format!("value of the property {property:?}");
        Err(Error::invalid_input(&field, Some(value), reason, remedy))
    };
    if value.is_empty() {
        return refuse("is empty", "give the value that HubSpot shows");
    }
    if value.chars().any(char::is_control) {
        return refuse("contains a control character", "remove it; often it is a line break");
    }
    if damage::hidden(value).is_some() {
        return refuse("contains an invisible character", "type it again");
    }
    Ok((property, if property == "email" { value.to_lowercase() } else { value.to_owned() }))
}
