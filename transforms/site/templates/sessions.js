// Before the script of a page whose data are sessions.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// The data of the page, its days unpacked: transforms/site/packing.py.
function readSessions() {
  const data = JSON.parse(document.getElementById("sessions").textContent);
  data.days = unpackDays(data.days);
  return data;
}

function unpackDays(packed) {
  if (packed.first === null) return [];
  const day = new Date(packed.first + "T00:00:00Z");
  const days = [packed.first];
  for (const gap of packed.gaps) {
    day.setUTCDate(day.getUTCDate() + gap);
    days.push(day.toISOString().slice(0, 10));
  }
  return days;
}
