//! Errors that are not quite as described.

use super::*;

#[tokio::test]
async fn details_of_an_error_are_read_one_by_one_and_field_by_field() {
    let body = json!({"status": "error", "message": "Invalid", "category": "VALIDATION_ERROR", "correlationId": 7,
        "context": {"objectId": [38374264688_u64, null], "one": "a", "flag": true, "none": null},
        "links": null,
        "errors": [
            {"message": "bad id", "code": "X", "context": {"id": [42]}},
            "as a text", null, 17,
            {"message": 5, "code": null, "in": ["body"], "context": {"a": "b"}},
            {"message": "last", "context": null}]});
    let error = refused(body.to_string()).await;
    let messages: Vec<_> = error.details().iter().map(|detail| detail.message.as_deref().unwrap()).collect();
    assert_eq!(messages, ["bad id", "as a text", "17", "5", "last"]);
    assert_eq!(
        (error.details()[0].code.as_deref(), &error.details()[0].context["id"][..]),
        (Some("X"), &["42".to_owned()][..])
    );
    assert_eq!(error.details()[3].context["a"], ["b"]);
    assert_eq!(error.context()["objectId"], ["38374264688"]);
    assert_eq!((&error.context()["one"][..], error.context().get("none")), (&["a".to_owned()][..], None));
    assert_eq!(error.correlation_id().unwrap().to_string(), "7");

    let one =
        refused(r#"{"message": "Acme \ud83d", "category": "VALIDATION_ERROR", "errors": {"message": "alone"}}"#).await;
    assert_eq!((one.message(), one.category()), ("Acme \u{fffd}", Some("VALIDATION_ERROR")));
    assert_eq!(one.details()[0].message.as_deref(), Some("alone"));
    for errors in [json!(null), json!([]), json!([null])] {
        let body = json!({"message": "m", "category": "C", "errors": errors, "context": null});
        assert!(refused(body.to_string()).await.details().is_empty());
    }
}

#[tokio::test]
async fn errors_inside_a_batch_are_read_as_those_outside_one() {
    let body = json!({"status": "COMPLETE", "results": [], "numErrors": "1", "errors": [
        {"status": "error", "category": "VALIDATION_ERROR", "message": "bad", "id": 7, "context": {"ids": 512, "other": null},
            "errors": ["as a text", {"message": "m", "context": {"id": [42]}}]},
        "not an object"]});
    let (_server, client) = answering(207, body.to_string().as_bytes()).await;
    let error = client.batch_read([512]).send().await.remove(0).unwrap_err();
    assert_eq!((error.message(), error.category()), ("bad", Some("VALIDATION_ERROR")));
    assert_eq!(error.details()[0].message.as_deref(), Some("as a text"));
    assert_eq!(error.details()[1].context["id"], ["42"]);
}

#[tokio::test]
async fn the_errors_of_raw_keep_what_an_odd_body_says() {
    let (_server, client) =
        answering(400, br#"{"message": "bad", "category": "VALIDATION_ERROR", "errors": ["as a text"]}"#).await;
    let error = Error::from(client.raw().list().send().await.unwrap_err());
    assert_eq!((error.status(), error.category()), (Some(400), Some("VALIDATION_ERROR")));
    assert_eq!(error.details()[0].message.as_deref(), Some("as a text"));
}
