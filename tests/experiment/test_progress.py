import math

from experiment.progress import PointLog

ROWS = [[0.1 + 0.2, 1 / 3, float("nan"), 500.0], [float("inf"), 1e-300, 2.0**-1074, 3.0]]


def open_log(*depends_on):
    return PointLog("surface-test", *depends_on)


def test_points_read_back_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    open_log(1).append(7, ROWS)
    read = open_log(1).done
    assert list(read) == [7]
    for found, expected in zip(sum(read[7], []), sum(ROWS, []), strict=True):
        assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_a_line_cut_short_by_a_kill_is_dropped_and_the_rest_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = open_log()
    for index in range(3):
        log.append(index, [[index, 0.5, 0.1, 9.0]])
    content = log.path.read_text()
    log.path.write_text(content[:-9])
    again = open_log()
    assert sorted(again.done) == [0, 1]
    again.append(2, [[2.0, 0.5, 0.1, 9.0]])
    assert sorted(open_log().done) == [0, 1, 2]


def test_other_parameters_have_another_log_and_a_removed_one_is_gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, other = open_log({"points": 3}), open_log({"points": 5})
    first.append(0, ROWS)
    assert open_log({"points": 5}).done == {} and first.path != other.path
    first.remove()
    assert open_log({"points": 3}).done == {}
