# The front door. Everything is built by CMake; see CMakePresets.json and `make help`.
Q := $(if $(V),,@)
LIVE ?=

.PHONY: all demo test asan tsan valgrind cov fuzz fuzz-all lint bench hostile load kill soak install clean doc help

all:
	$(Q)tools/install-deps.sh build
	$(Q)tools/build.sh rel
	$(Q)ln -sfn rel/tandem build/tandem

demo:
	$(Q)tools/install-deps.sh demo
	$(Q)tools/build.sh rel
	$(Q)ln -sfn rel/tandem build/tandem
	$(Q)build/tandem demo

test:
	$(Q)tools/install-deps.sh test
	$(Q)tools/build.sh dev
	$(Q)test/run.py --build build/dev $(T)

asan:
	$(Q)tools/install-deps.sh test
	$(Q)tools/build.sh asan
	$(Q)test/run.py --build build/asan unit flow live=3

tsan:
	$(Q)tools/install-deps.sh test
	$(Q)tools/build.sh tsan
	$(Q)test/run.py --build build/tsan unit flow live=3

valgrind:
	$(Q)tools/install-deps.sh test valgrind
	$(Q)tools/build.sh dev all measure_selfexelib
	$(Q)test/run.py --build build/dev --valgrind unit flow live/secure

cov:
	$(Q)tools/install-deps.sh test
	$(Q)tools/build.sh cov
	$(Q)test/run.py --build build/cov unit flow
	$(Q)gcovr -r . --object-directory build/cov -f src/ --txt build/cov/coverage.txt && tail -3 build/cov/coverage.txt

fuzz:
	$(Q)tools/install-deps.sh fuzz
	$(Q)test -n "$(T)" || { echo "usage: make fuzz T=name [SECONDS=60]; names:"; ls test/fuzz/fz_*.c | sed 's/.*fz_/  /; s/\.c//'; exit 2; }
	$(Q)tools/build.sh fuzz
	$(Q)tools/fuzz.sh $(or $(SECONDS),60) $(T)

fuzz-all:
	$(Q)tools/install-deps.sh fuzz
	$(Q)tools/build.sh fuzz
	$(Q)tools/fuzz.sh $(or $(SECONDS),600)

lint:
	$(Q)tools/install-deps.sh lint
	$(Q)tools/lint.sh

bench:
	$(Q)tools/install-deps.sh bench
	$(Q)tools/build.sh rel tandem bench
	$(Q)test/bench/run.py $(T)

# Figures under attack, load, crashes and time; T names single ones: make hostile T="E1 E4".
H ?= 2
hostile load kill soak:
	$(Q)tools/install-deps.sh measure
	$(Q)tools/build.sh rel all measures
	$(Q)HOURS=$(H) test/measure/run.py $@ $(T)

# DESTDIR and PREFIX as everywhere.
PREFIX ?= /usr/local
install: all
	$(Q)cmake -S . -B build/rel -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	$(Q)cmake --install build/rel --prefix $(PREFIX)

# The pages of doc/ that are made from the program's own tables; a test compares them.
doc:
	$(Q)tools/build.sh dev tandem
	$(Q)for p in tandem.yaml site.yaml reasons; do build/dev/tandem help $$p >doc/$$p.md; done

clean:
	$(Q)rm -rf build

help:
	@echo "make           the program, release build: build/tandem"
	@echo "make demo      whole calls on this machine; writes build/demo/report.json"
	@echo "make test      unit, flow and live tests (T=unit, T=flow, T=live or T=live/phones)"
	@echo "make asan      unit, flow and three live calls under AddressSanitizer and UBSan"
	@echo "make tsan      the same under ThreadSanitizer"
	@echo "make valgrind  unit, flow and one live call under memcheck: no error, no leak"
	@echo "make cov       coverage of unit and flow tests (needs gcovr)"
	@echo "make fuzz T=x  one fuzz target, SECONDS=60"
	@echo "make fuzz-all  every fuzz target, SECONDS=600 each, JOBS=2 at a time"
	@echo "make lint      layers, banned functions, headers, clang-tidy"
	@echo "make bench     against the baselines; writes build/bench/report.json"
	@echo "make hostile   attacked, with faults, beside honest calls; T=\"E1 E4\"; writes build/hostile/report.json"
	@echo "make load      10,000 calls; build/load/report.json"
	@echo "make kill      killed 200 times under load; build/kill/report.json"
	@echo "make soak      hours of mixed calls, H=2; build/soak/report.json"
	@echo "make install   PREFIX=/usr/local DESTDIR="
	@echo "make doc       makes the reference pages of doc/ anew from the tables"
	@echo "make clean     removes build/"
	@echo "V=1 shows the commands. Missing Debian packages are named and installed."
