//! Success responses that hold an error, and writes and batches whose response says little.

use super::*;

#[tokio::test]
async fn an_error_with_the_status_of_a_success_is_an_error() {
    let server = Answering::new().await;
    let error = json!({"status": "error", "message": "no such record", "category": "OBJECT_NOT_FOUND", "id": "8d1c",
        "correlationId": "c", "results": []});
    let client = server.with(error.to_string().as_bytes());
    let errors = [
        client.get(512).await.map(drop),
        client.update(512).set("name", "Acme").await.map(drop),
        client.associate(512).with("companies", 9001).as_type(1).await.map(drop),
        client.dissociate(512).with("companies", 9001).as_type(1).await,
        client.list().items().try_next().await.map(drop),
        client.search().items().try_next().await.map(drop),
        client.associations(512, "companies").await.map(drop),
        client.association_types("companies").await.map(drop),
    ];
    for error in errors.map(Result::unwrap_err) {
        assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(200)), "{error}");
        assert_eq!((error.message(), error.attempts()), ("no such record", 1));
    }
    assert_eq!(Error::from(client.raw().list().send().await.unwrap_err()).kind(), ErrorKind::NotFound);
    // Nothing shows that it is HubSpot's.
    let client = server.with(br#"{"status": "ERROR", "message": "no", "results": [], "id": "8d1c"}"#);
    assert!(client.list().await.unwrap_err().is_decode() && client.get(512).await.unwrap_err().is_decode());
    assert!(client.dissociate(512).with("companies", 9001).as_type(1).await.unwrap_err().is_decode());
    // A value is none.
    let client = server.with(br#"{"id": "512", "properties": {"status": "error", "message": "m"}}"#);
    assert_eq!(client.get(512).await.unwrap().property("status"), Some("error"));
}

#[tokio::test]
async fn a_write_that_was_carried_out_is_told_as_such_whatever_the_answer_says_of_it() {
    let server = Answering::new().await;
    for body in ["", " ", "null", "{}", r#"{"id": null, "properties": null}"#, r#"{"properties": {"name": 7}}"#] {
        let client = server.with(body.as_bytes());
        let associated = client.associate(512).with("companies", 9001).as_type(1).then_get().await.unwrap();
        let updated = client.update(512).set("name", "Acme").await.unwrap();
        assert_eq!((associated.id.as_str(), updated.id.as_str()), ("512", "512"), "{body}");
        client.dissociate(512).with("companies", 9001).as_type(1).await.unwrap();
    }
    // Not HubSpot's words.
    for body in ["<html>Sign in</html>", r#"{"detail":"welcome"}"#, "[]", "7"] {
        let client = server.with(body.as_bytes());
        assert!(client.associate(512).with("companies", 9001).as_type(1).await.unwrap_err().is_decode(), "{body}");
    }
    // A batch says nothing of its inputs: they may have been carried out.
    for body in ["", "null", "<html>hi</html>", r#"{"results": null, "errors": null}"#, r#"{"status": "COMPLETE"}"#] {
        let updates = [1, 2].map(|id| Update::of(id).set("name", "Acme"));
        for outcome in server.with(body.as_bytes()).batch_update(updates).send().await {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NoOutcome, "{body}");
        }
    }
    // With an odd field, all are what they are.
    let made = json!({"results": [{"id": 1, "properties": null, "objectWriteTraceId": 7}, {"id": "2"}], "errors": null,
        "startedAt": "yesterday"});
    let updates = [1, 2].map(|id| Update::of(id).set("name", "Acme"));
    let outcomes = server.with(made.to_string().as_bytes()).batch_update(updates).send().await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[tokio::test]
async fn an_error_in_a_batch_is_that_of_the_inputs_it_can_be_about() {
    let server = Answering::new().await;
    let error = |context: Value| json!({"category": "VALIDATION_ERROR", "message": "bad", "context": context});
    let kinds = async |answer: Value| {
        let updates = [1, 2, 3].map(|id| Update::of(id).set("name", "Acme"));
        let outcomes = server.with(answer.to_string().as_bytes()).batch_update(updates).send().await;
        outcomes.into_iter().map(|outcome| outcome.map_or_else(|e| Some(e.kind()), |_| None)).collect::<Vec<_>>()
    };
    let (refused, unknown) = (Some(ErrorKind::Refused), Some(ErrorKind::NoOutcome));
    let one = json!([{"id": "1"}]);
    assert_eq!(kinds(json!({"results": one, "errors": [error(json!({}))]})).await, [None, unknown, unknown]);
    assert_eq!(
        kinds(json!({"results": one, "errors": [error(json!({}))], "numErrors": 2})).await,
        [None, refused, refused]
    );
    assert_eq!(
        kinds(json!({"results": one, "errors": [error(json!({"ids": [1, "2"]}))]})).await,
        [refused, refused, unknown],
        "an error that names an input wins"
    );
    let two = json!([{"id": "1"}, {"id": "2"}]);
    assert_eq!(kinds(json!({"results": two, "errors": [error(json!({}))]})).await, [None, None, refused]);
}

#[tokio::test]
async fn a_batch_of_updates_that_is_not_over_proves_nothing() {
    for (status, batch_status) in
        [(200, "PENDING"), (200, "PROCESSING"), (207, "CANCELED"), (202, "COMPLETE"), (200, "NEW")]
    {
        let error = json!({"category": "VALIDATION_ERROR", "message": "bad", "context": {"ids": ["3"]}});
        let answer =
            json!({"status": batch_status, "results": [{"id": "1"}, {"id": "2"}, {"id": "3"}], "errors": [error]});
        let (_server, client) = answering(status, answer.to_string().as_bytes()).await;
        let updates = [1, 2, 3].map(|id| Update::of(id).set("name", "Acme"));
        let kinds: Vec<_> =
            client.batch_update(updates).send().await.into_iter().map(|o| o.unwrap_err().kind()).collect();
        assert_eq!(kinds, [ErrorKind::NoOutcome, ErrorKind::NoOutcome, ErrorKind::Refused], "{status} {batch_status}");
    }
    for batch_status in ["COMPLETE", "complete ", ""] {
        let answer = json!({"status": batch_status, "results": [{"id": "1"}]});
        let (_server, client) = answering(201, answer.to_string().as_bytes()).await;
        let outcomes = client.batch_update([Update::of(1).set("name", "Acme")]).send().await;
        assert!(outcomes[0].is_ok(), "{batch_status:?}: {outcomes:?}");
    }
}

#[tokio::test]
async fn a_result_counts_for_the_value_that_was_asked_by_and_not_for_an_id_that_is_the_same() {
    let server = Answering::new().await;
    let of = |id: &str, code: Value| json!({"id": id, "properties": {"code": code}});
    let answer =
        json!({"status": "COMPLETE", "results": [of("512", json!("7")), of("7", json!("9")), of("8", json!(null))]});
    let client = server.with(answer.to_string().as_bytes());
    let updates = ["7", "8", "512"].map(|code| Update::of(code).set("name", "Acme"));
    let updated = client.batch_update(updates).id_property("code").send().await;
    let read = client.batch_read(["7", "8", "512"]).id_property("code").send().await;
    for outcomes in [updated, read] {
        assert_eq!(outcomes[0].as_ref().unwrap().id, "512");
        for outcome in &outcomes[1..] {
            assert_eq!(outcome.as_ref().unwrap_err().kind(), ErrorKind::NoOutcome);
        }
    }
}
