//! Properties of a partner client, read into Rust types.

use std::{collections::BTreeMap, fmt};

use serde::de::{self, DeserializeOwned, Expected, IntoDeserializer, Unexpected, value::StrDeserializer};

use crate::{
    error::{Error, Result},
    partner_clients::PartnerClient,
};

impl PartnerClient {
    /// Returns a property's value, or `None` if it has none or was not requested.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_deref()
    }

    /// Sets a property, for tests; see [`new`](Self::new).
    #[must_use]
    pub fn with_property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(name.into(), Some(value.into()));
        self
    }

    /// Reads the properties into your own type.
    ///
    /// Its fields can be strings, numbers, booleans, enums of unit variants, and any type that deserializes from a
    /// string, such as those of `chrono`. A `Vec` takes the values of a multiple-choice property, which HubSpot
    /// separates by semicolons. An `Option` is `None` for a property that is missing, `null` or empty. Fields of
    /// `#[serde(flatten)]` are read as well.
    ///
    /// ```
    /// # fn run(partner_client: hubspot_partner_clients::PartnerClient) -> hubspot_partner_clients::Result<()> {
    /// use chrono::{DateTime, Utc};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Client {
    ///     name: String,
    ///     employees: Option<u32>,
    ///     hs_lastmodifieddate: DateTime<Utc>,
    /// }
    /// let client: Client =
    ///     partner_client.properties_as()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::is_decode`], naming the property that is missing or has a value of another type.
    pub fn properties_as<T: DeserializeOwned>(&self) -> Result<T> {
        let mut forms = Forms::default();
        loop {
            match T::deserialize(Properties { all: &self.properties, forms: &forms }) {
                Ok(read) => return Ok(read),
                Err(error) => {
                    forms.try_another(&self.properties, error).map_err(|error| Error::property(&self.id, &error))?;
                }
            }
        }
    }
}

/// What serde says, and of which property.
#[derive(Debug)]
struct PropertyError {
    property: Option<String>,
    message: String,
    /// What was found in place of something else.
    unexpected: Option<Found>,
}

#[derive(Debug, Clone, Copy)]
enum Found {
    /// Where in memory the text begins: serde hands a value on without moving it, so its place says whose it is.
    Text(usize),
    Other,
}

impl Found {
    fn text(text: &str) -> Self {
        Self::Text(text.as_ptr().addr())
    }

    /// Whether it is this value, or a part of it. Empty values may all lie in one place.
    fn is_in(self, value: &str) -> bool {
        let Self::Text(address) = self else { return false };
        let start = value.as_ptr().addr();
        address == start || (start..start + value.len()).contains(&address)
    }
}

impl fmt::Display for PropertyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.property {
            Some(property) => write!(f, "property `{property}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for PropertyError {}

impl de::Error for PropertyError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { property: None, message: message.to_string(), unexpected: None }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let message = format!("invalid type: {found}, expected {expected}");
        let found = if let Unexpected::Str(text) = found { Found::text(text) } else { Found::Other };
        Self { property: None, message, unexpected: Some(found) }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown variant `{variant}`, expected one of {expected:?}");
        Self { property: None, message, unexpected: Some(Found::text(variant)) }
    }
}

/// The forms in which values are given where serde does not say what it wants, which is so behind `#[serde(flatten)]`: text at
/// first, then others for what does not fit.
#[derive(Default)]
struct Forms<'a> {
    /// With what was wrong with the text.
    forms: BTreeMap<&'a str, (Form, PropertyError)>,
    last: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Scalar,
    List,
    ListOfScalars,
    /// Text after all.
    Text,
}

impl<'a> Forms<'a> {
    fn of(&self, name: &str) -> Form {
        self.forms.get(name).map_or(Form::Text, |(form, _)| *form)
    }

    /// Gives another form to the value that does not fit, or says what is wrong with it. Each value has four, so this ends.
    fn try_another(
        &mut self,
        properties: &'a BTreeMap<String, Option<String>>,
        error: PropertyError,
    ) -> std::result::Result<(), PropertyError> {
        let Some(found) = error.unexpected.filter(|_| error.property.is_none()) else { return Err(error) };
        let about = |(name, value): &(&String, &Option<String>)| {
            let tried = self.forms.contains_key(name.as_str());
            value.as_deref().is_some_and(|value| found.is_in(value) && !(value.is_empty() && tried))
        };
        // What is no text any more is what was given another form before.
        let name = properties.iter().find(about).map(|(name, _)| name.as_str()).or(self.last);
        let Some(name) = name else { return Err(error) };
        self.last = Some(name);
        let next = match self.forms.get(name).map(|(form, _)| form) {
            None => {
                let error = PropertyError { property: Some(name.to_owned()), ..error };
                self.forms.insert(name, (Form::Scalar, error));
                return Ok(());
            }
            Some(Form::Scalar) => Form::List,
            Some(Form::List) => Form::ListOfScalars,
            Some(Form::ListOfScalars) => Form::Text,
            Some(Form::Text) => return Err(self.forms.remove(name).map_or(error, |(_, first)| first)),
        };
        self.forms.entry(name).and_modify(|(form, _)| *form = next);
        Ok(())
    }
}

struct Properties<'a> {
    all: &'a BTreeMap<String, Option<String>>,
    forms: &'a Forms<'a>,
}

impl<'de> de::Deserializer<'de> for Properties<'de> {
    type Error = PropertyError;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, PropertyError> {
        visitor.visit_map(Entries { rest: self.all.iter(), forms: self.forms, value: None })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries<'a> {
    rest: std::collections::btree_map::Iter<'a, String, Option<String>>,
    forms: &'a Forms<'a>,
    value: Option<(&'a str, Option<&'a str>)>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = PropertyError;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> std::result::Result<Option<K::Value>, PropertyError> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some((name, value.as_deref()));
        let name: StrDeserializer<'_, PropertyError> = name.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> std::result::Result<S::Value, PropertyError> {
        let next = self.value.take();
        let (name, value) = next.ok_or_else(|| de::Error::custom("a value was asked for before its name"))?;
        seed.deserialize(Text(value, self.forms.of(name)))
            .map_err(|e| PropertyError { property: Some(name.to_owned()), ..e })
    }
}

/// A property's value, as whatever the field wants, or in this form where nobody says what that is.
struct Text<'a>(Option<&'a str>, Form);

impl<'a> Text<'a> {
    fn text<E: de::Error>(&self) -> std::result::Result<&'a str, E> {
        self.0.ok_or_else(|| E::custom("has no value"))
    }

    fn parse<T: std::str::FromStr>(&self, what: &str) -> std::result::Result<T, PropertyError> {
        let text = self.text()?;
        text.trim().parse().map_err(|_| de::Error::custom(format_args!("{text:?} is no {what}")))
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident, $what:literal;)*) => {$(
        fn $method<V: de::Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, PropertyError> {
            visitor.$visit(self.parse($what)?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Text<'de> {
    type Error = PropertyError;

    parsed! {
        deserialize_bool => visit_bool, "boolean";
        deserialize_i8 => visit_i8, "whole number of 8 bits";
        deserialize_i16 => visit_i16, "whole number of 16 bits";
        deserialize_i32 => visit_i32, "whole number of 32 bits";
        deserialize_i64 => visit_i64, "whole number of 64 bits";
        deserialize_u8 => visit_u8, "whole number of 8 bits without sign";
        deserialize_u16 => visit_u16, "whole number of 16 bits without sign";
        deserialize_u32 => visit_u32, "whole number of 32 bits without sign";
        deserialize_u64 => visit_u64, "whole number of 64 bits without sign";
        deserialize_f32 => visit_f32, "number";
        deserialize_f64 => visit_f64, "number";
    }

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, PropertyError> {
        match (self.0, self.1) {
            (None, _) | (Some(""), Form::Scalar) => visitor.visit_unit(),
            (Some(_), Form::List | Form::ListOfScalars) => self.deserialize_seq(visitor),
            (Some(text), Form::Scalar) => match (text.trim().parse(), text.trim().parse(), text.trim().parse()) {
                (Ok(whole), ..) => visitor.visit_u64(whole),
                (_, Ok(signed), _) => visitor.visit_i64(signed),
                (_, _, Ok(number)) => visitor.visit_f64(number),
                _ => match text.trim().parse() {
                    Ok(truth) => visitor.visit_bool(truth),
                    Err(_) => visitor.visit_borrowed_str(text),
                },
            },
            (Some(text), Form::Text) => visitor.visit_borrowed_str(text),
        }
    }

    fn deserialize_str<V: de::Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, PropertyError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: de::Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, PropertyError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, PropertyError> {
        match self.0 {
            None | Some("") => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> std::result::Result<V::Value, PropertyError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: de::Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, PropertyError> {
        let values = self.0.unwrap_or("").split(';').filter(|value| !value.is_empty());
        let form = if self.1 == Form::ListOfScalars { Form::Scalar } else { Form::Text };
        visitor.visit_seq(de::value::SeqDeserializer::new(values.map(|value| Text(Some(value), form))))
    }

    fn deserialize_enum<V: de::Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, PropertyError> {
        let text: StrDeserializer<'_, PropertyError> = self.text()?.into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, PropertyError> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
