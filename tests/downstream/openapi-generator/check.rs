//! openapi-generator's Rust client against the simulator.

use openapi::{
    apis::{Error, associations_api, batch_api, configuration::Configuration, partner_clients_api},
    models::{BatchReadInputSimplePublicObjectId, SimplePublicObject, SimplePublicObjectId},
};

#[tokio::test]
async fn the_client_works_where_no_property_is_null() {
    let configuration = Configuration {
        base_path: std::env::var("HUBSPOT_BASE_URL").unwrap(),
        bearer_access_token: Some(std::env::var("HUBSPOT_ACCESS_TOKEN").unwrap()),
        ..Configuration::default()
    };

    let associated = associations_api::associate_partner_client(
        &configuration, "512", "companies", "9001", "partner_client_to_company",
    ).await;
    // A fault of the generator: the values of a map are never null to it, and `description` is.
    assert!(matches!(associated, Err(Error::Serde(_))), "{associated:?}");

    let inputs = ["512", "99999"].map(|id| SimplePublicObjectId::new(id.to_owned()));
    let mut body = BatchReadInputSimplePublicObjectId::new(inputs.to_vec());
    body.properties = Some(vec!["name".to_owned()]);
    let batch = batch_api::batch_read_partner_clients(&configuration, body, None).await.unwrap();
    assert_eq!(batch.num_errors, Some(1));
    assert_eq!(batch.errors.unwrap()[0].context.as_ref().unwrap()["ids"], ["99999"]);
    assert_eq!(batch.results[0].properties["name"], "Example Partner Client");

    let missing = partner_clients_api::get_partner_client(&configuration, "99999", None, None, None, None, None).await;
    assert!(matches!(missing, Err(Error::ResponseError(answer)) if answer.status == 404));

    // What HubSpot may add.
    serde_json::from_str::<SimplePublicObject>(r#"{"id": "512", "properties": {}, "new": {"a": 1}}"#).unwrap();
}
