// SPDX-License-Identifier: Apache-2.0
// What a config says of Clevis, and the token that a binding leaves.
#include "plan/clevis.hpp"

#include <doctest/doctest.h>

using namespace provision;

namespace {

spec::Tang server(const std::string& name, const std::string& advertisement = {}) {
  spec::Tang made;
  made.url = "http://user:secret@" + name + "/base?token=secret";
  made.thumbprint = "print";
  if (!advertisement.empty()) {
    made.advertisement = advertisement;
  }
  return made;
}

spec::Clevis pins(std::vector<spec::Tang> servers, bool tpm2, std::optional<std::int64_t> threshold = {}) {
  spec::Clevis made;
  made.tang = std::move(servers);
  made.tpm2 = tpm2;
  made.threshold = threshold;
  return made;
}

spec::Clevis custom(const std::string& pin, const std::string& config) {
  spec::Clevis made;
  made.custom.pin = pin;
  made.custom.config = config;
  return made;
}

std::string fault(const spec::Clevis& clevis) {
  const auto found = plan::binding_fault(clevis);
  return found ? std::string(found->key) : "";
}

}  // namespace

TEST_CASE("a volume that nothing could ever open is refused") {
  CHECK(fault(pins({}, true)).empty());
  CHECK(fault(pins({server("a")}, true, 2)).empty());
  CHECK(fault(pins({server("a")}, true, 3)) == "threshold");
  CHECK(fault(pins({}, false, 1)) == "threshold");
  CHECK(fault(pins({server("a")}, false, -1)) == "threshold");
}

TEST_CASE("what is handed to Clevis is a JSON object") {
  CHECK(fault(pins({server("a", R"({"payload": "x"})")}, false)).empty());
  CHECK(fault(pins({server("a", R"(["payload"])")}, false)) == "tang");
  CHECK(fault(custom("tpm2", R"({"pcr_ids": "7"})")).empty());
  CHECK(fault(custom("tpm2", "pcr_ids=7")) == "custom");
  CHECK(fault(custom("tpm2", "")) == "custom");
}

TEST_CASE("only what is here can be tried") {
  const std::string advertisement = R"({"payload": "x"})";
  CHECK(plan::can_be_tried(pins({server("a")}, false)));
  CHECK_FALSE(plan::can_be_tried(pins({server("a", advertisement)}, false)));
  CHECK(plan::can_be_tried(pins({server("a", advertisement)}, true)));
  CHECK_FALSE(plan::can_be_tried(pins({server("a", advertisement)}, true, 2)));
  CHECK(plan::can_be_tried(custom("own", "{}")));
}

TEST_CASE("later boots need the network for servers, and for what says so itself") {
  CHECK(plan::needs_network(pins({server("a", "{}")}, true)));
  CHECK_FALSE(plan::needs_network(pins({}, true)));
  spec::Clevis own = custom("own", "{}");
  CHECK_FALSE(plan::needs_network(own));
  own.custom.needs_network = true;
  CHECK(plan::needs_network(own));
}

TEST_CASE("the words for a person have no secret of a URL, nor a pin's config") {
  CHECK(plan::binding_words(pins({server("a")}, false)) == "Tang at http://a/base");
  CHECK(plan::binding_words(pins({server("a"), server("b")}, true, 2)) ==
        "Tang at http://a/base, Tang at http://b/base, the TPM (2 of them open it)");
  CHECK(plan::binding_words(pins({}, true)) == "the TPM");
  CHECK(plan::binding_words(custom("own", R"({"password": "secret"})")) == "the pin own");
}

TEST_CASE("a token has the parts of the JWE by their names, and one key slot") {
  const auto token = plan::clevis_token("cHJvdGVjdGVk.a2V5.aXY.Y2lwaGVy.dGFn", 3);
  REQUIRE(token.has_value());
  CHECK(*token ==
        R"({"type":"clevis","keyslots":["3"],"jwe":{"ciphertext":"Y2lwaGVy","encrypted_key":"a2V5","iv":"aXY",)"
        R"("protected":"cHJvdGVjdGVk","tag":"dGFn"}})");
  CHECK(plan::clevis_token("a..iv.c.t", 0).has_value());
  CHECK_FALSE(plan::clevis_token("a.b.c.d", 0).has_value());
  CHECK_FALSE(plan::clevis_token("a.b.c..e", 0).has_value());
  CHECK_FALSE(plan::clevis_token("", 0).has_value());
}
