// SPDX-License-Identifier: Apache-2.0
#include "spec/resolve.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "spec/merge.hpp"

namespace provision::spec {
namespace {

// Nobody writes so many by hand: it is a server that makes up ever new ones.
constexpr std::size_t max_depth = 16;
constexpr std::size_t max_documents = 1000;

// Of `over` what it gives, else of `under`.
Ignition laid_over(Ignition under, const Ignition& over) {
  fields::Engine<Ignition>::merge(under, over);
  return under;
}

class Resolver {
 public:
  Resolver(const Bring& bring, fields::Notes& notes) : bring_(bring), notes_(notes) {}

  Result<Parsed> run(Parsed config, const Ignition& around) {
    if (!config.config) {
      return refused(config);
    }
    const ConfigSources asked = std::exchange(config.config->ignition.config, {});
    const Ignition own = config.config->ignition;
    if (asked.replace.source) {
      const Origin place = config.sources.origin(asked.replace.place, "$.ignition.config.replace.source", "source");
      // replace() tells of the place that asked.
      config.config->ignition.config.place = asked.place;
      Parsed by = TRY(follow(asked.replace, place, laid_over(around, own), around));
      return replace(std::move(config), std::move(by));
    }
    for (std::size_t i = 0; i < asked.merge.size(); ++i) {
      const std::string path = "$.ignition.config.merge." + std::to_string(i);
      const Origin place = config.sources.origin(asked.merge[i].place, path + ".source", "source");
      const Ignition now = laid_over(around, config.config->ignition);
      Parsed child = TRY(follow(asked.merge[i], place, now, now));
      config = merge(std::move(config), std::move(child));
      if (!config.config) {
        return refused(config);
      }
    }
    return config;
  }

 private:
  Error refused(const Parsed& config) {
    notes_.all.insert(notes_.all.end(), config.notes.all.begin(), config.notes.all.end());
    return error_of(config);
  }

  struct Ancestor {
    std::string source;
    Digest digest;
    bool operator==(const Ancestor&) const = default;
  };

  // The config that `reference` leads to, with all that it refers to.
  Result<Parsed> follow(const Reference& reference, const Origin& place, const Ignition& to_fetch,
                        const Ignition& around) {
    if (ancestors_.size() >= max_depth || ++documents_ > max_documents) {
      return Error(Code::bad_config, "configs refer to configs more than " + std::to_string(max_depth) +
                                         " deep, or to more than " + std::to_string(max_documents) + " in all")
          .at(place);
    }
    auto brought = bring_({reference, place, to_fetch});
    if (!brought) {
      return std::move(brought).error().at(place);
    }
    const Ancestor self{reference.source.value_or(""), Digest::sha256(brought->bytes)};
    if (std::find(ancestors_.begin(), ancestors_.end(), self) != ancestors_.end()) {
      return Error(Code::bad_config, "the config " + brought->name + " leads to itself again").at(place);
    }
    ancestors_.push_back(self);
    Parsed whole = TRY(run(parse(std::move(brought->name), std::move(brought->bytes)), around));
    ancestors_.pop_back();
    return whole;
  }

  const Bring& bring_;
  fields::Notes& notes_;
  std::vector<Ancestor> ancestors_;
  std::size_t documents_ = 0;
};

}  // namespace

Result<Parsed> resolve(Parsed config, const Ignition& around, const Bring& bring, fields::Notes& notes) {
  return Resolver(bring, notes).run(std::move(config), around);
}

}  // namespace provision::spec
