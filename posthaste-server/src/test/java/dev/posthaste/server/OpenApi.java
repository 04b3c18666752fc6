package dev.posthaste.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The document that the daemon serves, used to verify its responses. */
final class OpenApi {
    private final JsonNode document;

    OpenApi(JsonNode document) {
        this.document = document;
    }

    /** @param role the role that it requires, or null for none */
    record Operation(String method, String path, @Nullable String role, JsonNode node) {}

    List<Operation> operations() {
        List<Operation> operations = new ArrayList<>();
        for (Map.Entry<String, JsonNode> path : document.get("paths").properties()) {
            for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
                JsonNode role = method.getValue().get("x-role");
                operations.add(new Operation(
                        method.getKey().toUpperCase(java.util.Locale.ROOT),
                        path.getKey(),
                        role == null ? null : role.stringValue(),
                        method.getValue()));
            }
        }
        return operations;
    }

    /** Fails unless the document allows this operation such a response. */
    void assertAllows(String method, String path, HttpResponse<String> response) {
        Operation operation = operations().stream()
                .filter(each -> each.method().equals(method) && each.path().equals(path))
                .findFirst()
                .orElseThrow(() -> new AssertionError(method + " " + path + " is not in the document"));
        JsonNode answer = operation.node().get("responses").get(Integer.toString(response.statusCode()));
        assertThat(answer)
                .as(
                        "%s %s responds with %d, which is not in the document: %s",
                        method, path, response.statusCode(), response.body())
                .isNotNull();
        String type = response.headers().firstValue("content-type").orElse("").split(";")[0];
        JsonNode content = answer.get("content").get(type);
        assertThat(content).as("%s %s responds with %s", method, path, type).isNotNull();
        if (type.equals("application/json")) {
            assertThat(problems(content.get("schema"), response.body()))
                    .as("%s %s: %s", method, path, response.body())
                    .isEmpty();
        }
    }

    private List<String> problems(JsonNode schema, String json) {
        ObjectNode whole = ((ObjectNode) schema.deepCopy());
        whole.set("components", Objects.requireNonNull(document.get("components")));
        Schema judge = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(whole.toString(), InputFormat.JSON);
        return judge.validate(json, InputFormat.JSON).stream()
                .map(Object::toString)
                .toList();
    }
}
