// Marks of free text: kept in this browser, downloaded as CSV. Student text is never read as HTML here.
const answers = [...document.querySelectorAll("article.answer")].map((card) => ({
  card,
  name: `vitlab marks ${card.dataset.key}`,
  ticks: [...card.querySelectorAll(".tick")],
  given: card.querySelector(".given"),
  comment: card.querySelector("textarea"),
}));
const find = (id) => document.getElementById(id);
const isMarked = (answer) => answer.given.value !== "" && answer.given.checkValidity();

function keep(answer) {
  const mark = {
    points: answer.given.value,
    comment: answer.comment.value,
    ticked: answer.ticks.map((tick) => tick.checked),
  };
  try {
    localStorage.setItem(answer.name, JSON.stringify(mark));
  } catch {
    find("trouble").textContent = "This browser remembers nothing here: download the marks before you close the page.";
  }
}

function recall(answer) {
  try {
    const mark = JSON.parse(localStorage.getItem(answer.name));
    if (!mark) return;
    answer.given.value = mark.points;
    answer.comment.value = mark.comment;
    answer.ticks.forEach((tick, i) => (tick.checked = Boolean(mark.ticked[i])));
  } catch {
    // nothing that could be read: the answer is as the page has it
  }
}

function addUp(answer) {
  const sum = answer.ticks.reduce((all, tick) => all + (tick.checked ? Number(tick.dataset.worth ?? 0) : 0), 0);
  answer.given.value = Math.min(sum, Number(answer.given.max));
}

function tell() {
  const wrong = answers.filter((answer) => !answer.given.checkValidity()).length;
  const left = wrong ? ` ${wrong} with points that cannot be: from 0 to the most there are, in steps of 0.5.` : "";
  find("progress").textContent = `${answers.filter(isMarked).length} of ${answers.length} answers marked.${left}`;
  for (const answer of answers) answer.card.classList.toggle("marked", isMarked(answer));
}

// A cell that a spreadsheet would read as a formula gets a quote in front; `vitlab report` takes it off again.
function cell(text) {
  const safe = new RegExp(find("marks").dataset.formula).test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function marksAsCsv() {
  const rows = answers
    .filter(isMarked)
    .map(({ card, given, comment }) => [
      cell(card.dataset.student),
      cell(card.dataset.exercise),
      String(Number(given.value)),
      cell(comment.value.trim()),
      card.dataset.key,
    ]);
  return [find("marks").dataset.columns.split(","), ...rows].map((row) => `${row.join(",")}\n`).join("");
}

function download() {
  const link = document.createElement("a");
  // the mark of UTF-8 in front, without which spreadsheets misread names
  link.href = URL.createObjectURL(new Blob(["\ufeff", marksAsCsv()], { type: "text/csv" }));
  link.download = "marks.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

for (const answer of answers) {
  recall(answer);
  answer.card.addEventListener("input", (event) => {
    if (event.target.classList.contains("tick") && event.target.dataset.worth) addUp(answer);
    keep(answer);
    tell();
  });
}
if (answers.length) {
  find("hide-names").addEventListener("change", (event) => {
    document.body.classList.toggle("nameless", event.target.checked);
  });
  find("only-open").addEventListener("change", (event) => {
    for (const answer of answers) answer.card.hidden = event.target.checked && isMarked(answer);
  });
  find("download").addEventListener("click", download);
  tell();
}
