/** openapi-generator's Java client against the simulator. */
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.AssociationsApi;
import org.openapitools.client.api.BatchApi;
import org.openapitools.client.api.PartnerClientsApi;
import org.openapitools.client.model.BatchReadInputSimplePublicObjectId;
import org.openapitools.client.model.SimplePublicObject;
import org.openapitools.client.model.SimplePublicObjectId;

class Check {
    public static void main(String[] arguments) throws Exception {
        var token = System.getenv("HUBSPOT_ACCESS_TOKEN");
        var client = new ApiClient();
        client.updateBaseUri(System.getenv("HUBSPOT_BASE_URL"));
        // This library of the generator leaves authentication to its user.
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));

        var associated = new AssociationsApi(client)
            .associatePartnerClient("512", "companies", "9001", "partner_client_to_company");
        same("9001", associated.getAssociations().get("companies").getResults().get(0).getId());

        var input = new BatchReadInputSimplePublicObjectId().properties(List.of("name", "phone"));
        input.inputs(List.of(new SimplePublicObjectId().id("512"), new SimplePublicObjectId().id("99999")));
        var answer = new BatchApi(client).batchReadPartnerClientsWithHttpInfo(input, null);
        same(207, answer.getStatusCode());
        var properties = answer.getData().getResults().get(0).getProperties();
        same(true, properties.containsKey("phone"));
        same(null, properties.get("phone"));
        same(1L, answer.getData().getNumErrors());
        same(List.of("99999"), answer.getData().getErrors().get(0).getContext().get("ids"));

        try {
            new PartnerClientsApi(client).getPartnerClient("99999", null, null, null, null, null);
            throw new AssertionError("it does not exist");
        } catch (ApiException failure) {
            same(404, failure.getCode());
        }

        // What HubSpot may add.
        var added = "{\"id\": \"512\", \"properties\": {}, \"new\": {\"a\": 1}}";
        var read = client.getObjectMapper().readValue(added, SimplePublicObject.class);
        same(Map.of("a", 1), read.getAdditionalProperty("new"));
    }

    static void same(Object expected, Object found) {
        if (!java.util.Objects.equals(expected, found)) {
            throw new AssertionError(found + " instead of " + expected);
        }
    }
}
