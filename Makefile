# Everything below is `dvc repro` in a scale's folder; README.md shows the plain commands.

SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.PHONY: help setup smoke gpu laptop paper test readme clean

help:
	@echo "make smoke   the whole pipeline on handwritten digits, minutes on 2 CPU cores"
	@echo "make test    the tests"
	@echo "make laptop  CIFAR-10 at home, hours on 2 CPU cores with bfloat16, a night without"
	@echo "make gpu     the same recipe from six other seeds, for a GPU"
	@echo "make paper   CIFAR-10 in full, for a GPU"
	@echo "make readme  copy the results tables of the gpu and laptop scales into README.md"
	@echo "make clean   remove the smoke scale's results and unfinished work"

setup:
	@bash setup/environment.sh
	@bash setup/tex.sh

CHECK := env PYTHONPATH=src python -m stages.check_parameters# before DVC, which words a fault in its matrices worse

smoke gpu laptop: setup
	cd scales/$@ && $(CHECK) && dvc repro
	@echo "The paper: scales/$@/build/paper.pdf"

paper: setup
	$(CHECK) && dvc repro
	@echo "The paper: build/paper.pdf"

test: setup
	cd . && python -m pytest

readme: setup
	cd . && python setup/readme.py

clean:
	cd scales/smoke && rm -rf results figures build models data dvc.lock .progress
