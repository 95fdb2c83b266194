"""What a person does on the web page, and sees of a picture there."""

from playwright.sync_api import expect

# How much of a picture's upper and lower half is as yellow as a highlighter pen, in pixels.
COUNT_YELLOW = """image => image.decode().then(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const counts = [0, 0];
    for (let i = 0; i < rgba.length; i += 4)
        if (rgba[i] > 200 && rgba[i + 1] > 150 && rgba[i + 2] < 100)
            counts[i < rgba.length / 2 ? 0 : 1]++;
    return counts;
})"""


def open_library(page):
    page.get_by_role("tab", name="Library").click()


def search_for(page, question):
    page.get_by_label("Question").fill(question)
    page.get_by_label("Question").press("Enter")


def add_files(page, *files):
    page.locator("#files input[type=file]").set_input_files(list(files))
    expect(page.locator("#files .file-preview tr, #files .file")).to_have_count(len(files))
    page.locator("#add").click()


def search_with_picture(page, picture):
    page.get_by_text("Search with a picture").click()
    page.locator("#picture input[type=file]").set_input_files(picture)
    page.locator("#picture img").wait_for(state="attached")
    page.locator("#look").click()


def click_page(page, x, y):
    """Clicks the page shown large, once it is seen, at a place in fractions of its size."""
    picture = page.locator("#page-picture img")
    # Until its file has come it is nothing wide and nothing high, and Gradio heeds no click on it.
    expect(picture).not_to_have_js_property("naturalWidth", 0)
    box = picture.bounding_box()
    picture.click(position={"x": x * box["width"], "y": y * box["height"]})
