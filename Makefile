# Linux and macOS. Windows and conda: environment.yml, then `vitlab lab` and `vitlab test`.
PYTHON ?= python3

.PHONY: lab test

lab: .venv/lab.stamp
	.venv/bin/vitlab lab

test: .venv/test.stamp
	.venv/bin/vitlab test

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/lab.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	.venv/bin/pip install -c constraints.txt -e .
	touch $@

.venv/test.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	.venv/bin/pip install -c constraints.txt -e '.[test]'
	touch $@ .venv/lab.stamp
