package openapi

import (
	"context"
	"encoding/json"
	"os"
	"testing"
)

func TestClient(t *testing.T) {
	configuration := NewConfiguration()
	configuration.Servers = ServerConfigurations{{URL: os.Getenv("HUBSPOT_BASE_URL")}}
	client := NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), ContextAccessToken, os.Getenv("HUBSPOT_ACCESS_TOKEN"))

	associated, _, err := client.AssociationsAPI.AssociatePartnerClient(ctx, "512", "companies", "9001", "partner_client_to_company").Execute()
	if err != nil {
		t.Fatal(err)
	}
	if associated.Id != "512" || (*associated.Associations)["companies"].Results[0].Id != "9001" {
		t.Fatal(associated)
	}

	body := NewBatchReadInputSimplePublicObjectId([]SimplePublicObjectId{*NewSimplePublicObjectId("512"), *NewSimplePublicObjectId("99999")})
	body.Properties = []string{"name", "phone"}
	batch, response, err := client.BatchAPI.BatchReadPartnerClients(ctx).BatchReadInputSimplePublicObjectId(*body).Execute()
	if err != nil {
		t.Fatal(err)
	}
	if value, found := batch.Results[0].Properties["phone"]; !found || value != nil {
		t.Fatal("a property without a value")
	}
	if response.StatusCode != 207 || *batch.NumErrors != 1 || (*batch.Errors[0].Context)["ids"][0] != "99999" {
		t.Fatal(batch.Errors)
	}

	_, _, err = client.PartnerClientsAPI.GetPartnerClient(ctx, "99999").Execute()
	failure, ok := err.(*GenericOpenAPIError)
	if !ok {
		t.Fatal(err)
	}
	if failed, ok := failure.Model().(Error); !ok || *failed.Category != "OBJECT_NOT_FOUND" {
		t.Fatal(failure.Model())
	}

	// What HubSpot may add.
	var added SimplePublicObject
	if err := json.Unmarshal([]byte(`{"id": "512", "properties": {}, "new": {"a": 1}}`), &added); err != nil {
		t.Fatal(err)
	}
}
