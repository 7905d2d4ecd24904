use dispatcher::{OPENAPI_SHA256, Route, dispatch};
use hubspot_partner_clients::{
    ApiVersion,
    spec::{self, operations},
};

#[test]
fn the_documented_put_is_dispatched_to_associate() {
    let route = dispatch("PUT", "/crm/v3/objects/partner_clients/512/associations/companies/9001/37").unwrap();
    let parameters =
        [("partnerClientId", "512"), ("toObjectType", "companies"), ("toObjectId", "9001"), ("associationType", "37")];
    let expected = Route {
        operation_id: "associate",
        summary: "Associate a partner client with a record",
        parameters: parameters.to_vec(),
        required_fields: &[],
        scopes: &[&["crm.objects.partner-clients.write"]],
        idempotent: true,
    };
    assert_eq!(route, expected);
}

#[test]
fn every_operation_of_the_table_is_dispatched_to_itself() {
    for operation in operations().iter().filter(|operation| operation.path_in(ApiVersion::V3).is_some()) {
        let names: Vec<_> = operation.path_parameters.iter().map(|parameter| parameter.name).collect();
        let path =
            names.iter().fold(operation.path.to_owned(), |path, name| path.replace(&format!("{{{name}}}"), name));
        let route = dispatch(operation.method, &path).unwrap();
        assert_eq!(route.operation_id, operation.id);
        assert_eq!(route.parameters, names.iter().map(|&name| (name, name)).collect::<Vec<_>>());
        assert!(!route.summary.is_empty(), "{}", operation.id);
    }
}

#[test]
fn a_method_tells_a_search_from_the_partner_client_of_that_name() {
    let path = "/crm/v3/objects/partner_clients/search";
    assert_eq!(dispatch("POST", path).unwrap().operation_id, "search");
    assert_eq!(dispatch("GET", path).unwrap().parameters, [("partnerClientId", "search")]);
}

#[test]
fn the_document_tells_which_fields_a_request_must_have() {
    let route = dispatch("POST", "/crm/v3/objects/partner_clients/batch/update").unwrap();
    assert_eq!(route.required_fields, ["inputs"]);
}

#[test]
fn what_is_no_operation_is_not_dispatched() {
    let one = "/crm/v3/objects/partner_clients/512";
    for (method, path) in [
        ("POST", one),
        ("put", &format!("{one}/associations/companies/9001/37")),
        ("GET", &format!("{one}/associations/")),
        ("GET", &format!("{one}/")),
        ("GET", &one[1..]),
        ("GET", "/crm/v3/objects/companies"),
        ("GET", ""),
    ] {
        assert_eq!(dispatch(method, path), None, "{method} {path}");
    }
}

#[test]
fn the_digest_tells_what_it_was_generated_from() {
    assert_eq!(OPENAPI_SHA256, spec::OPENAPI_SHA256);
    assert_eq!(OPENAPI_SHA256.len(), 64);
}
