//! Finds a company by its domain and associates a partner client with it.
//!
//! The client is built from `hubspot/companies.json` as well, because `.cargo/config.toml` names that folder. It has the
//! operations of that document in `client.raw()`, with the token, rate limit and retries that all its calls share. Run it in
//! this folder, where cargo finds the configuration:
//!
//! ```text
//! cd examples/companies && cargo run
//! ```

use std::collections::BTreeMap;

use hubspot_partner_clients::{Client, Result, generated::types::CompanySearch, simulator::Simulator};

/// The id of the company with this domain, which is created if there is none.
async fn company(client: &Client, domain: &str) -> Result<String> {
    let search =
        CompanySearch { query: Some(domain.to_owned()), properties: vec!["domain".to_owned()], limit: Some(1) };
    let found = client.raw().post_companies_search().body(search).send().await?.into_inner();
    if let Some(company) = found.results.into_iter().next() {
        return Ok(company.id);
    }
    let properties = BTreeMap::from([("domain".to_owned(), domain.to_owned())]);
    let created = client.raw().post_companies().body_map(|body| body.properties(properties)).send().await?;
    Ok(created.into_inner().id)
}

async fn run(client: &Client) -> Result<()> {
    for domain in ["company.example", "new.example"] {
        let id = company(client, domain).await?;
        client.associate("512").with("companies", &*id).as_type("partner_client_to_company").await?;
        let company = client.raw().get_companies_by_id().company_id(&*id).properties("domain").send().await?;
        println!("512 is associated with company {id} of {:?}", company.properties["domain"]);
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let hubspot = Simulator::start().await?;
    let client = Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token()).build()?;
    Ok(run(&client).await?)
}

#[cfg(test)]
mod tests {
    use hubspot_partner_clients::{
        RateLimit,
        simulator::Fault,
        spec::{RateBucket, operations},
    };

    use super::*;

    #[tokio::test]
    async fn companies_are_found_and_created_and_associated() {
        let hubspot = Simulator::start().await.unwrap();
        let client =
            Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token()).build().unwrap();
        run(&client).await.unwrap();
        let mut associated: Vec<_> = hubspot.associations("512").into_iter().map(|made| made.to_object_id).collect();
        associated.sort();
        assert_eq!(associated.len(), 2);
        assert!(associated.contains(&"9001".to_owned()), "{associated:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn they_share_the_allowance_and_the_retries_of_partner_clients() {
        let hubspot = Simulator::start().await.unwrap();
        let client = Client::builder()
            .base_url(hubspot.base_url())
            .access_token(hubspot.access_token())
            .rate_limit(RateLimit::per_ten_seconds(2))
            .build()
            .unwrap();
        hubspot.inject(Fault::status(503).times(1));
        client.raw().get_companies_by_id().company_id("9001").send().await.unwrap();
        let before = tokio::time::Instant::now();
        client.get("512").await.unwrap();
        assert!(before.elapsed().as_secs() >= 5, "two requests were sent for the company");
        assert_eq!(hubspot.requests().len(), 3);
    }

    #[test]
    fn they_are_in_the_table_of_operations() {
        let search = operations().iter().find(|operation| operation.id == "post_companies_search").unwrap();
        assert_eq!(search.scopes, [["crm.objects.companies.read"]]);
        assert_eq!(search.rate_bucket, RateBucket::Search);
    }
}
