//! Selection of the properties and associations that a call returns.

use crate::{
    error::{Error, Result},
    ids::{ObjectType, damage},
};

/// HubSpot refuses URLs past about 8 kB with a 414; the rest of the URL needs less than the difference.
const MAX_LIST_BYTES: usize = 7_000;

/// Names to be asked for; those that cannot be are found when the call is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) properties: Vec<String>,
    pub(crate) history: Vec<String>,
    pub(crate) associations: Vec<String>,
}

/// The same names as HubSpot wants them in a query: comma-separated, absent where there are none.
pub(crate) struct Lists {
    pub(crate) properties: Option<String>,
    pub(crate) history: Option<String>,
    pub(crate) associations: Option<String>,
}

/// White space around a name comes from lists such as `name, domain`.
pub(crate) fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> impl Iterator<Item = String> {
    names.into_iter().map(|name| name.into().trim().to_owned())
}

impl Selection {
    pub(crate) fn lists(&self) -> Result<Lists> {
        self.check()?;
        let join = |names: &[String]| (!names.is_empty()).then(|| names.join(","));
        let lists = Lists {
            properties: join(&self.properties),
            history: join(&self.history),
            associations: join(&self.associations),
        };
        let bytes: usize = [&lists.properties, &lists.history, &lists.associations]
            .iter()
            .filter_map(|l| Some(l.as_ref()?.len()))
            .sum();
        if bytes > MAX_LIST_BYTES {
            let reason = format!("take {bytes} bytes of the URL, and HubSpot accepts about 8,000 in total");
            return Err(Error::invalid_input("properties", None, reason, "ask for fewer, or use batch_read"));
        }
        Ok(lists)
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.properties.iter().chain(&self.history).try_for_each(|name| check_property(name))?;
        self.associations.iter().try_for_each(|name| {
            ObjectType::new(name)?;
            refuse_comma("association's object type", name)
        })
    }
}

/// A property's name, as it stands in requests.
pub(crate) fn check_property(name: &str) -> Result<()> {
    let refuse = |reason, remedy| Err(Error::invalid_input("property name", Some(name), reason, remedy));
    if name.is_empty() {
        return refuse("is empty", "use the internal name that the property's settings in HubSpot show");
    }
    if name.chars().any(char::is_control) {
        return refuse("contains a control character", "remove it");
    }
    if name.trim() != name {
        return refuse("begins or ends with white space", "remove it");
    }
    if name.chars().any(damage::is_invisible) {
        return refuse("contains an invisible character", "type it again");
    }
    refuse_comma("property name", name)
}

fn refuse_comma(field: &str, name: &str) -> Result<()> {
    if name.contains(',') {
        return Err(Error::invalid_input(field, Some(name), "contains a comma", "pass each name separately"));
    }
    Ok(())
}

/// Gives a builder the methods that fill its field `selection`, or properties alone into another.
macro_rules! selects {
    ($builder:ident, properties of $($selection:ident).+) => {
        impl $builder {
            /// Sets the properties to return, by their internal names. Without it, HubSpot returns its default set.
            pub fn properties<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
                self.$($selection).+.properties.extend(crate::partner_clients::selection::names(names));
                self
            }
        }
    };
    ($builder:ident) => {
        crate::partner_clients::selection::selects!($builder, properties of selection);

        impl $builder {
            /// Sets the properties to return together with all their former values. It halves the largest page size.
            pub fn properties_with_history<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
                self.selection.history.extend(crate::partner_clients::selection::names(names));
                self
            }
        }
    };
    ($builder:ident, associations) => {
        crate::partner_clients::selection::selects!($builder);

        impl $builder {
            /// Sets the object types whose associated objects to return; see
            /// [`PartnerClient::associated`](crate::PartnerClient::associated).
            pub fn associations<S: Into<String>>(mut self, object_types: impl IntoIterator<Item = S>) -> Self {
                self.selection.associations.extend(crate::partner_clients::selection::names(object_types));
                self
            }
        }
    };
}
pub(crate) use selects;

/// Gives a builder the setter of its field `id_property`.
macro_rules! by_property {
    ($builder:ident) => {
        impl $builder {
            /// Finds partner clients by this property, whose values are unique, instead of the record id.
            pub fn id_property(mut self, name: impl Into<String>) -> Self {
                self.id_property = Some(name.into());
                self
            }
        }
    };
}
pub(crate) use by_property;

/// Adds the lists that are there to a request of the generated client, whose types have no trait in common.
macro_rules! with_lists {
    ($request:expr, $lists:expr) => {{
        let (mut request, lists): (_, crate::partner_clients::selection::Lists) = ($request, $lists);
        if let Some(names) = lists.properties {
            request = request.properties(names);
        }
        if let Some(names) = lists.history {
            request = request.properties_with_history(names);
        }
        if let Some(object_types) = lists.associations {
            request = request.associations(object_types);
        }
        request
    }};
}
pub(crate) use with_lists;
