//! Plain requests, whose answers are seen as they come. The library reads answers liberally, which hides what is compared.

use std::time::{Duration, Instant};

use hubspot_partner_clients::{
    ApiVersion, Client, Error,
    generated::{self, ClientInfo, types},
};
use serde_json::Value;

use crate::{
    failure::Failure,
    log::{Line, Log},
    target::{Secret, Session},
};

/// An answer is a page of a hundred objects at most.
const LONGEST: usize = 16 << 20;
/// HubSpot's windows are of ten seconds.
const WINDOW: Duration = Duration::from_secs(10);

/// Where a version has its operations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paths(pub(super) ApiVersion);

impl Paths {
    pub(super) fn objects(self, rest: &str) -> String {
        self.family("objects", rest)
    }

    pub(super) fn associations(self, rest: &str) -> String {
        self.family("associations", rest)
    }

    fn family(self, family: &str, rest: &str) -> String {
        let version = self.0;
        if version.is_dated() {
            format!("/crm/{family}/{version}/{rest}")
        } else {
            format!("/crm/{version}/{family}/{rest}")
        }
    }
}

pub(super) struct Ask<'a> {
    client: &'a Client,
    token: &'a Secret,
    log: &'a Log,
}

/// What a request sends.
enum Sent<'a> {
    Nothing,
    Json(&'a Value),
    Form(&'a str),
}

pub(super) struct Answer {
    pub(super) status: u16,
    /// `None` for what is no JSON.
    pub(super) body: Option<Value>,
    /// Whether it tells of the limit of ten seconds.
    pub(super) tells_window: bool,
    /// How many requests were made today, as the headers say.
    pub(super) used_today: Option<u64>,
}

impl Answer {
    /// A member of the body.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.body.as_ref()?.get(name)
    }

    pub(super) fn results(&self) -> &[Value] {
        self.member("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// Why nothing follows from it, whatever was asked.
    pub(super) fn says_nothing(&self) -> Option<&'static str> {
        match self.status {
            401 | 403 => Some("the token may not ask for it"),
            _ => self.failed(),
        }
    }

    /// Why not even what a token may ask for follows from it.
    pub(super) fn failed(&self) -> Option<&'static str> {
        match self.status {
            429 => Some("a limit was reached"),
            500.. => Some("HubSpot failed"),
            _ => None,
        }
    }
}

impl<'a> Ask<'a> {
    pub(super) fn new(session: &'a Session, log: &'a Log) -> Self {
        Self { client: &session.client, token: session.token(), log }
    }

    /// The token, for an operation that is asked about it.
    pub(super) fn token(&self) -> &str {
        self.token.expose()
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.send(path, &Sent::Nothing, true).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.send(path, &Sent::Json(body), true).await
    }

    /// Without the token in a header.
    pub(super) async fn post_without_header(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.send(path, &Sent::Json(body), false).await
    }

    pub(super) async fn post_form(&self, path: &str, form: &str) -> Result<Answer, Failure> {
        self.send(path, &Sent::Form(form), false).await
    }

    /// These requests pass by the client's rate limiter: they are few, and one follows the other.
    async fn send(&self, path: &str, sent: &Sent<'_>, authorized: bool) -> Result<Answer, Failure> {
        let answer = self.logged(path, sent, authorized, 1).await?;
        if answer.status != 429 {
            return Ok(answer);
        }
        tokio::time::sleep(WINDOW).await;
        self.logged(path, sent, authorized, 2).await
    }

    async fn logged(&self, path: &str, sent: &Sent<'_>, authorized: bool, number: u32) -> Result<Answer, Failure> {
        let began = Instant::now();
        let answer = self.once(path, sent, authorized).await;
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let method = if matches!(sent, Sent::Nothing) { "GET" } else { "POST" };
        let status = answer.as_ref().ok().map(|answer| answer.status);
        self.log.line(&Line {
            operation: "beliefs",
            method,
            path,
            number,
            duration: began.elapsed(),
            status,
            error: None,
        });
        answer
    }

    async fn once(&self, path: &str, sent: &Sent<'_>, authorized: bool) -> Result<Answer, Failure> {
        let raw = self.client.raw();
        let url = format!("{}{path}", raw.baseurl());
        let request = match sent {
            Sent::Nothing => raw.client().get(url),
            Sent::Json(body) => {
                raw.client().post(url).header("content-type", "application/json").body(body.to_string())
            }
            Sent::Form(form) => {
                let form = (*form).to_owned();
                raw.client().post(url).header("content-type", "application/x-www-form-urlencoded").body(form)
            }
        };
        let request = if authorized { request.bearer_auth(self.token.expose()) } else { request };
        let failed = |error| Failure::from(Error::from(generated::Error::<types::Error>::CommunicationError(error)));
        let mut response = request.send().await.map_err(failed)?;
        let number = |name: &str| response.headers().get(name)?.to_str().ok()?.parse::<u64>().ok();
        let daily = number("x-hubspot-ratelimit-daily").zip(number("x-hubspot-ratelimit-daily-remaining"));
        let tells_window = response.headers().contains_key("x-hubspot-ratelimit-max");
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return Err(Failure::usage("HubSpot's answer is longer than an answer to this request can be"));
            }
        }
        Ok(Answer {
            status,
            body: serde_json::from_slice(&body).ok(),
            tells_window,
            used_today: daily.map(|(limit, remaining)| limit.saturating_sub(remaining)),
        })
    }
}

/// The id of an object, whether it comes as a number or as text. `None` for what is no number, which no path takes here.
pub(super) fn id(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The ids of objects.
pub(super) fn ids(objects: &[Value]) -> Vec<u64> {
    objects.iter().filter_map(|object| id(object.get("id").or_else(|| object.get("toObjectId")))).collect()
}
