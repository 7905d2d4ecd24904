//! Faults: which requests they strike.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    faults::strike::{Effect, Recorded, Replacement, RetryAfter, Strike, status_code},
    http::operation::OAUTH_TOKEN,
};

/// Something that goes wrong with an answer.
///
/// A fault is made by one of the constructors, narrowed by its methods, and handed to
/// [`SimulatorBuilder::fault`](crate::SimulatorBuilder::fault) or [`Simulator::inject`](crate::Simulator::inject). From
/// then on it strikes every request, or those it is narrowed to. Where several could, the one injected first does.
///
/// It strikes after the request passed authentication and rate limits: a request refused with 401 or 429 meets no fault
/// and uses none up. The operation is *not* carried out unless [`after_operation`](Self::after_operation) says so, or
/// the fault is one that disturbs the operation's own answer ([`delay`](Self::delay),
/// [`truncated_body`](Self::truncated_body), [`slow_body`](Self::slow_body)).
///
/// A status outside of 200 to 599 becomes 500.
///
/// ```
/// use hubspot_simulator::Fault;
/// use std::time::Duration;
///
/// // Answers two requests with 503 and `Retry-After`.
/// let outage = Fault::status(503)
///     .retry_after(Duration::from_secs(2))
///     .times(2);
/// // Makes one association in twenty and then resets
/// // the connection.
/// let flaky = Fault::reset()
///     .on("associate")
///     .after_operation()
///     .with_probability(0.05, 42);
/// // Fails the first and the third request.
/// let script = Fault::script([
///     Some(Fault::status(500)),
///     None,
///     Some(Fault::html(502)),
/// ]);
/// # let _ = (outage, flaky, script);
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    outcome: Outcome,
    operation: Option<String>,
    account: Option<u64>,
    chance: Option<Chance>,
    remaining: Option<u64>,
}

#[derive(Clone, Debug)]
enum Outcome {
    Strike(Strike),
    Script(VecDeque<Option<Fault>>),
}

impl Fault {
    /// Answers with a status and the error body HubSpot sends with it. 429 stands for the ten-second limit, and 477 comes
    /// with a `Retry-After` of a minute unless [`retry_after`](Self::retry_after) says otherwise. At the endpoints of OAuth
    /// that take a form, 400 refuses the refresh token in the form that HubSpot documents.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::replacing(Replacement::Failure(status_code(status)))
    }

    /// Answers 429 for the daily limit.
    #[must_use]
    pub fn daily_limit() -> Self {
        Self::replacing(Replacement::DailyLimit)
    }

    /// Refuses the refresh token as it was recorded, without OAuth's field `error`: status 400, `BAD_REFRESH_TOKEN`. It
    /// strikes the token endpoint alone.
    #[must_use]
    pub fn bad_refresh_token() -> Self {
        Self::replacing(Replacement::Recorded(Recorded::BadRefreshToken)).on(OAUTH_TOKEN)
    }

    /// Refuses a token since the account is gone, as it was recorded: status 400, `BAD_HUB`. It strikes the token endpoint
    /// alone.
    #[must_use]
    pub fn bad_hub() -> Self {
        Self::replacing(Replacement::Recorded(Recorded::BadHub)).on(OAUTH_TOKEN)
    }

    /// Answers with a gateway's HTML page, as `text/html`.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::replacing(Replacement::Html(status_code(status)))
    }

    /// Answers with a status and nothing else.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::replacing(Replacement::Empty(status_code(status)))
    }

    /// Answers with a redirect to `location`; without one when it cannot stand in a header.
    #[must_use]
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::replacing(Replacement::Redirect(status_code(status), location.into()))
    }

    /// Answers 200 with a body that is no JSON.
    #[must_use]
    pub fn invalid_json() -> Self {
        Self::replacing(Replacement::InvalidJson)
    }

    /// Answers 200 with a body that begins like JSON and never ends.
    #[must_use]
    pub fn endless_body() -> Self {
        Self::replacing(Replacement::EndlessBody)
    }

    /// Answers with an error whose message repeats the request's `Authorization` header and body.
    #[must_use]
    pub fn echo_credentials(status: u16) -> Self {
        Self::replacing(Replacement::EchoCredentials(status_code(status)))
    }

    /// Resets the TCP connection before the first byte of an answer.
    #[must_use]
    pub fn reset() -> Self {
        Self::replacing(Replacement::Reset)
    }

    /// Answers as usual, but late: `Fault::delay(duration)` waits before the operation is carried out.
    #[must_use]
    pub fn delay(duration: Duration) -> Self {
        Self::striking(Effect::None).delayed(duration)
    }

    /// Sends the first half of the usual body, then ends the connection. An empty body stays as it is.
    #[must_use]
    pub fn truncated_body() -> Self {
        Self::striking(Effect::TruncatedBody)
    }

    /// Sends the usual body in pieces of `bytes` (at least one), each after a `pause`.
    #[must_use]
    pub fn slow_body(bytes: usize, pause: Duration) -> Self {
        Self::striking(Effect::SlowBody { bytes: bytes.max(1), pause })
    }

    /// Gives the next requests these outcomes, one each, in order; `None` leaves a request alone.
    ///
    /// Narrowing a script narrows which requests take an outcome; the other methods hold for each of its faults. A fault
    /// that is itself narrowed and does not strike the request it falls to leaves it alone.
    #[must_use]
    pub fn script(outcomes: impl IntoIterator<Item = Option<Fault>>) -> Self {
        Self::new(Outcome::Script(outcomes.into_iter().collect()))
    }

    /// Strikes only one operation, in whichever version, on whichever objects. By any other name it strikes nothing.
    ///
    /// On objects: `list`, `get`, `create`, `update`, `archive`, `batch_read`, `batch_create`, `batch_update`,
    /// `batch_upsert`, `batch_archive`, `search`. On associations: `associate`, `dissociate`, `list_associations`,
    /// `association_types`, `batch_associate`, `batch_dissociate`, `batch_read_associations`; in v4 and the dated versions,
    /// where setting the labels of a pair is `associate` and archiving labels is `batch_dissociate`, also
    /// `associate_default`, `dissociate_all`, `batch_associate_default`, `batch_dissociate_all`. On tokens and accounts:
    /// `oauth_token`, `introspect_token`, `access_token_info`, `private_app_token_info`, `account_details`, `api_usage`.
    #[must_use]
    pub fn on(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Strikes only requests of one account, by its id; none without a bearer token.
    #[must_use]
    pub fn in_account(mut self, account_id: u64) -> Self {
        self.account = Some(account_id);
        self
    }

    /// Strikes with a probability from 0 to 1, drawn from a generator of its own: the same seed, the same draws.
    #[must_use]
    pub fn with_probability(mut self, probability: f64, seed: u64) -> Self {
        self.chance = Some(Chance { probability, generator: Some(SplitMix64(seed)) });
        self
    }

    /// As [`with_probability`](Self::with_probability), with a seed that its injection gives it.
    pub(crate) fn with_share(mut self, probability: f64) -> Self {
        self.chance = Some(Chance { probability, generator: None });
        self
    }

    /// Strikes `times` requests and no more.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.remaining = Some(times);
        self
    }

    /// Strikes once the operation has been carried out, so that only its answer is lost.
    #[must_use]
    pub fn after_operation(self) -> Self {
        self.each(&|strike| strike.after_operation = true)
    }

    /// Waits on Tokio's clock before it strikes.
    #[must_use]
    pub fn delayed(self, duration: Duration) -> Self {
        self.each(&|strike| strike.delay = duration)
    }

    /// Adds a `Retry-After` header in seconds, rounded up.
    #[must_use]
    pub fn retry_after(self, duration: Duration) -> Self {
        self.each(&|strike| strike.retry_after = Some(RetryAfter::Seconds(duration)))
    }

    /// Adds a `Retry-After` header with the HTTP date that lies `duration` ahead when the answer is sent, rounded up to
    /// the second. It goes by the system's clock, not Tokio's.
    #[must_use]
    pub fn retry_after_date(self, duration: Duration) -> Self {
        self.each(&|strike| strike.retry_after = Some(RetryAfter::Date(duration)))
    }

    /// Declares the answer `application/json`, whatever it is.
    #[must_use]
    pub fn as_json(self) -> Self {
        self.each(&|strike| strike.as_json = true)
    }

    fn replacing(replacement: Replacement) -> Self {
        Self::striking(Effect::Replacement(replacement))
    }

    fn striking(effect: Effect) -> Self {
        Self::new(Outcome::Strike(Strike::new(effect)))
    }

    fn new(outcome: Outcome) -> Self {
        Self { outcome, operation: None, account: None, chance: None, remaining: None }
    }

    fn each(mut self, change: &dyn Fn(&mut Strike)) -> Self {
        self.outcome = match self.outcome {
            Outcome::Strike(mut strike) => {
                change(&mut strike);
                Outcome::Strike(strike)
            }
            Outcome::Script(faults) => {
                Outcome::Script(faults.into_iter().map(|fault| fault.map(|fault| fault.each(change))).collect())
            }
        };
        self
    }

    /// Gives each share without a generator one of its own, seeded with how many were given one before.
    fn seed(&mut self, seeded: &mut u64) {
        if let Some(chance) = &mut self.chance
            && chance.generator.is_none()
        {
            chance.generator = Some(SplitMix64(*seeded));
            *seeded = seeded.wrapping_add(1);
        }
        if let Outcome::Script(faults) = &mut self.outcome {
            faults.iter_mut().flatten().for_each(|fault| fault.seed(seeded));
        }
    }

    fn is_spent(&self) -> bool {
        self.remaining == Some(0) || matches!(&self.outcome, Outcome::Script(outcomes) if outcomes.is_empty())
    }

    /// What happens to a request that calls `operation`: `None` when it is not for this fault to say.
    fn decide(&mut self, operation: Option<&str>, account: Option<u64>) -> Option<Option<Strike>> {
        let concerned = self.operation.as_deref().is_none_or(|name| operation == Some(name))
            && (self.account.is_none() || self.account == account);
        if !concerned || self.is_spent() || !self.chance.as_mut().is_none_or(Chance::draw) {
            return None;
        }
        if let Some(remaining) = &mut self.remaining {
            *remaining -= 1;
        }
        match &mut self.outcome {
            Outcome::Strike(strike) => Some(Some(strike.clone())),
            Outcome::Script(outcomes) => {
                Some(outcomes.pop_front()?.and_then(|mut fault| fault.decide(operation, account).flatten()))
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Chance {
    probability: f64,
    /// `None` until it is seeded.
    generator: Option<SplitMix64>,
}

impl Chance {
    fn draw(&mut self) -> bool {
        self.generator.get_or_insert(SplitMix64(0)).fraction() < self.probability
    }
}

/// Steele, Lea and Flood's generator, in Vigna's public-domain form: <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to but not including 1: the 53 bits a fraction has room for.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The faults in force, in the order of their injection.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<InForce>);

#[derive(Debug, Default)]
struct InForce {
    faults: VecDeque<Fault>,
    /// How many shares were seeded since the start, or since all faults ended.
    seeded: u64,
}

impl Faults {
    pub(crate) fn inject(&self, mut fault: Fault) {
        let mut in_force = self.in_force();
        fault.seed(&mut in_force.seeded);
        in_force.faults.push_back(fault);
    }

    pub(crate) fn clear(&self) {
        *self.in_force() = InForce::default();
    }

    /// What strikes a request that calls `operation`. Spent faults are forgotten.
    pub(crate) fn strike(&self, operation: Option<&str>, account: Option<u64>) -> Option<Strike> {
        let mut in_force = self.in_force();
        let faults = &mut in_force.faults;
        let decision = faults.iter_mut().enumerate().find_map(|(index, fault)| {
            fault.decide(operation, account).map(|strike| (index, fault.is_spent(), strike))
        });
        let (index, spent, strike) = decision?;
        if spent {
            faults.remove(index);
        }
        strike
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
